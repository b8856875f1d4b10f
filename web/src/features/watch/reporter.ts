// Watches one video element and sends its beats: every ten seconds, at every change, and when the page is left.
import { begin, type Choices, type Event, reduce } from "./beats";
import { add, batch, isFinal, type Outbox, parse, settle } from "./outbox";

const URL = "/api/v1/beats";
const STORE = "playnet.beats";
const EVERY_MS = 10_000;
const DEADLINE_MS = 10_000;

export interface Reporter {
  choose(choices: Choices): void;
  end(): void;
}

export function report(video: HTMLVideoElement, asset: string): Reporter {
  return new Session(video, asset);
}

class Session implements Reporter {
  private sitting;
  private outbox: Outbox;
  private sending = false;
  private readonly ending = new AbortController();
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly video: HTMLVideoElement,
    asset: string,
  ) {
    this.sitting = begin(randomName(), asset);
    this.outbox = load();
    this.listen();
    this.timer = setInterval(() => this.turn(), EVERY_MS);
    void this.send();
  }

  choose(choices: Choices): void {
    this.take({ type: "chose", choices });
  }

  end(): void {
    this.leave();
    clearInterval(this.timer);
    this.ending.abort();
  }

  private listen(): void {
    const { video } = this;
    const on = (name: string, then: () => Event) =>
      video.addEventListener(name, () => this.take(then()), { signal: this.ending.signal });
    const here = () => ({ positionS: video.currentTime, nowMs: Date.now() });
    on("playing", () => ({ type: "played", ...here() }));
    on("timeupdate", () => ({ type: "moved", ...here() }));
    on("pause", () => ({ type: "paused", ...here() }));
    on("waiting", () => ({ type: "waiting", ...here() }));
    on("ended", () => ({ type: "ended", ...here() }));
    on("seeking", () => ({ type: "seeking", nowMs: Date.now() }));
    on("seeked", () => ({ type: "sought", ...here() }));
    on("ratechange", () => ({ type: "rated", rate: video.playbackRate, nowMs: Date.now() }));
    const { signal } = this.ending;
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.leave(), { signal });
    window.addEventListener("pagehide", () => this.leave(), { signal });
    window.addEventListener("online", () => void this.send(), { signal });
  }

  private turn(): void {
    this.take({ type: "told", nowMs: Date.now() });
    void this.send();
  }

  private take(event: Event): void {
    const [sitting, beats] = reduce(this.sitting, event);
    this.sitting = sitting;
    if (beats.length === 0) return;
    this.outbox = add(this.outbox, beats);
    save(this.outbox);
    if (event.type !== "told" && event.type !== "left") void this.send();
  }

  /** Nobody tells whether a page's last words arrived: they stay stored, and the next page says them again. */
  private leave(): void {
    this.take({ type: "left", nowMs: Date.now() });
    const sent = batch(this.outbox);
    if (sent.length > 0) navigator.sendBeacon(URL, body(sent));
  }

  private async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      while (this.outbox.length > 0 && !this.ending.signal.aborted) {
        const sent = batch(this.outbox);
        const reply = await fetch(URL, {
          method: "POST",
          body: body(sent),
          headers: { "Content-Type": "application/json" },
          keepalive: true,
          signal: AbortSignal.timeout(DEADLINE_MS),
        });
        if (!isFinal(reply.status)) return; // the next turn tries again
        this.outbox = settle(this.outbox, sent);
        save(this.outbox);
      }
    } catch {
      return; // no network: the beats wait for the next turn
    } finally {
      this.sending = false;
    }
  }
}

function body(beats: readonly unknown[]): string {
  return JSON.stringify({ sent_at_ms: Date.now(), beats });
}

function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function load(): Outbox {
  try {
    return parse(localStorage.getItem(STORE));
  } catch {
    return []; // storage is switched off
  }
}

function save(outbox: Outbox): void {
  try {
    localStorage.setItem(STORE, JSON.stringify(outbox));
  } catch {
    return; // full, or switched off: this page still has them
  }
}
