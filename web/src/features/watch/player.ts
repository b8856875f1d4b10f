// The one place that knows Shaka Player and the <video> element. Reports events, takes commands; holds no page state.
// Only the build for the asked format is loaded: 180 kB compressed instead of 240.
import type shaka from "shaka-player/dist/shaka-player.hls-es2021";

import { explain } from "./failures";
import type { PlayerEvent, Quality } from "./state";

export interface Source {
  type: "hls" | "dash";
  url: string;
}

export interface Player {
  toggle(): void;
  seek(positionS: number): void;
  setVolume(volume: number): void;
  toggleMute(): void;
  choose(quality: number | "auto"): void;
  retry(): void;
  stats(): object;
  destroy(): Promise<void>;
}

type Shaka = typeof shaka;

// A segment is tried for about 30 s before a person hears of it: longer than a node takes to be replaced.
const RETRIES = { maxAttempts: 7, baseDelay: 400, backoffFactor: 2, fuzzFactor: 0.5, timeout: 30_000 };
const CONFIGURATION = {
  manifest: { retryParameters: { ...RETRIES, maxAttempts: 4 } }, // about 3 s: nothing plays yet
  streaming: { retryParameters: RETRIES, bufferingGoal: 30, bufferBehind: 60, rebufferingGoal: 2 },
  abr: { restrictToElementSize: true, ignoreDevicePixelRatio: false },
};

async function build(type: Source["type"]): Promise<Shaka> {
  const module =
    type === "hls"
      ? await import("shaka-player/dist/shaka-player.hls-es2021")
      : await import("shaka-player/dist/shaka-player.dash-es2021");
  return module.default as unknown as Shaka;
}

/** Start playing `source` in `video` as soon as the viewer asks for it. Events stop after `destroy`. */
export function open(video: HTMLVideoElement, source: Source, emit: (event: PlayerEvent) => void): Player {
  const session = new Session(video, source, emit);
  session.start();
  return session;
}

class Session implements Player {
  private player: shaka.Player | null = null;
  private readonly ending = new AbortController();
  private loaded = false;
  private wished = false; // play was pressed before there was anything to play

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly source: Source,
    private readonly emit: (event: PlayerEvent) => void,
  ) {}

  start(): void {
    this.listenToVideo();
    this.load(null).catch(this.report);
  }

  toggle(): void {
    if (this.video.paused || this.video.ended) this.video.play().catch(this.report);
    else this.video.pause();
  }

  seek(positionS: number): void {
    this.video.currentTime = Math.min(Math.max(positionS, 0), this.video.duration || 0);
  }

  setVolume(volume: number): void {
    this.video.volume = Math.min(Math.max(volume, 0), 1);
    this.video.muted = this.video.volume === 0;
  }

  toggleMute(): void {
    this.video.muted = !this.video.muted;
  }

  choose(quality: number | "auto"): void {
    if (!this.player) return;
    this.player.configure({ abr: { enabled: quality === "auto" } });
    const track = this.tracks().find((candidate) => side(candidate) === quality);
    if (track) this.player.selectVariantTrack(track, true, 4);
    this.emit({ type: "chose", quality });
  }

  retry(): void {
    const from = this.video.currentTime;
    this.emit({ type: "retried" });
    this.load(from > 0 ? from : null)
      .then(() => this.video.play())
      .catch(this.report);
  }

  stats(): object {
    return this.player?.getStats() ?? {};
  }

  async destroy(): Promise<void> {
    this.ending.abort();
    await this.player?.destroy();
  }

  private async load(fromS: number | null): Promise<void> {
    const player = this.player ?? (await this.create());
    if (!player) return;
    await player.load(this.source.url, fromS);
    this.loaded = true;
    this.emit({ type: "loaded", qualities: this.tracks().map(quality), durationS: this.video.duration });
    if (this.wished) await this.video.play();
  }

  private async create(): Promise<shaka.Player | null> {
    const library = await build(this.source.type);
    if (this.ending.signal.aborted) return null;
    library.polyfill.installAll();
    if (!library.Player.isBrowserSupported()) {
      this.emit({ type: "failed", failure: { cause: "unsupported", code: "browser" } });
      return null;
    }
    const player = new library.Player();
    player.configure(CONFIGURATION);
    player.addEventListener("error", (event) => this.report((event as unknown as { detail: unknown }).detail));
    player.addEventListener("buffering", (event) =>
      this.tell({ type: "buffering", on: (event as unknown as { buffering: boolean }).buffering }),
    );
    for (const change of ["adaptation", "variantchanged"]) player.addEventListener(change, () => this.show());
    this.player = player;
    await player.attach(this.video);
    return player;
  }

  private listenToVideo(): void {
    const { video } = this;
    const on = (names: string, then: () => void) => {
      for (const name of names.split(" ")) video.addEventListener(name, then, { signal: this.ending.signal });
    };
    on("play", () => {
      this.wished = !this.loaded;
      this.emit({ type: "played" });
    });
    on("pause", () => {
      this.wished = false;
      this.emit({ type: "paused" });
    });
    on("ended", () => this.emit({ type: "ended" }));
    on("timeupdate durationchange progress seeking", () => this.move());
    on("resize", () => this.show());
    on("volumechange", () => this.emit({ type: "loudness", volume: video.volume, muted: video.muted }));
  }

  private move(): void {
    const { currentTime, duration, buffered } = this.video;
    let bufferedS = currentTime;
    for (let range = 0; range < buffered.length; range++) {
      if (buffered.start(range) <= currentTime + 0.1) bufferedS = Math.max(bufferedS, buffered.end(range));
    }
    this.emit({ type: "moved", positionS: currentTime, durationS: Number.isFinite(duration) ? duration : 0, bufferedS });
  }

  private show(): void {
    const { videoWidth, videoHeight } = this.video;
    this.tell({ type: "showing", side: videoWidth > 0 ? Math.min(videoWidth, videoHeight) : null });
  }

  private tracks(): shaka.extern.Track[] {
    return (this.player?.getVariantTracks() ?? []).filter((track) => side(track) > 0);
  }

  private tell(event: PlayerEvent): void {
    if (!this.ending.signal.aborted) this.emit(event);
  }

  private readonly report = (error: unknown): void => {
    const failure = explain(error);
    if (failure) this.tell({ type: "failed", failure });
  };
}

function side(track: shaka.extern.Track): number {
  return Math.min(track.width ?? 0, track.height ?? 0);
}

function quality(track: shaka.extern.Track): Quality {
  return { side: side(track), bitrateBps: track.bandwidth };
}
