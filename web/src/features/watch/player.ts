// The one place that knows Shaka Player and the <video> element. Reports events, takes commands; holds no page state.
// Only the build for the asked format is loaded: 180 kB compressed instead of 240.
import type shaka from "shaka-player/dist/shaka-player.hls-es2021";

import { explain } from "./failures";
import type { Caption, PlayerEvent, Quality } from "./state";

export interface Source {
  type: "hls" | "dash";
  url: string;
  captions: readonly Caption[];
}

/** Where to begin, and in which languages, by what is known of the viewer. */
export interface Beginning {
  startS: number;
  audio: string | null;
  captions: string | null;
}

export interface Player {
  toggle(): void;
  seek(positionS: number): void;
  setVolume(volume: number): void;
  toggleMute(): void;
  choose(quality: number | "auto"): void;
  /** Places in the lists of the state; null: no captions. */
  hear(sound: number): void;
  read(text: number | null): void;
  retry(): void;
  stats(): object;
  destroy(): Promise<void>;
}

type Shaka = typeof shaka;

// About 3 s for one request. Shaka Player then tries the other qualities, and we start all of that again: a person
// hears of an outage after half a minute or more, while a node is replaced in seconds.
const RETRIES = { maxAttempts: 4, baseDelay: 400, backoffFactor: 2, fuzzFactor: 0.5, timeout: 30_000 };
const ABOVE_CONTROLS = 76; // per cent of the picture's height
const ROUNDS = 8;
const BETWEEN_ROUNDS_S = 3;
const CONFIGURATION = {
  manifest: { retryParameters: RETRIES },
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
export function open(
  video: HTMLVideoElement,
  source: Source,
  beginning: Beginning,
  emit: (event: PlayerEvent) => void,
): Player {
  const session = new Session(video, source, beginning, emit);
  session.start();
  return session;
}

class Session implements Player {
  private player: shaka.Player | null = null;
  private readonly ending = new AbortController();
  private loaded = false;
  private rounds = 0; // in a row that brought nothing
  private words: HTMLTrackElement[] = [];
  private text: number | null = null;
  private wished = false; // play was asked for before there was anything to play; attaching the source forgets it

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly source: Source,
    private readonly beginning: Beginning,
    private readonly emit: (event: PlayerEvent) => void,
  ) {}

  start(): void {
    this.words = this.source.captions.map(caption);
    this.video.append(...this.words);
    this.listenToVideo();
    const { startS } = this.beginning;
    this.load(startS > 0 ? startS : null)
      .then(() => this.prefer())
      .catch(this.report);
  }

  toggle(): void {
    if (this.video.paused || this.video.ended) this.video.play().catch(this.report);
    else {
      this.wished = false;
      this.video.pause();
    }
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
    const heard = this.tracks().find((candidate) => candidate.active)?.audioId;
    const fitting = this.tracks().filter((candidate) => side(candidate) === quality);
    const track = fitting.find((candidate) => candidate.audioId === heard) ?? fitting[0];
    if (track) this.player.selectVariantTrack(track, true, 4);
    this.emit({ type: "chose", quality });
  }

  hear(sound: number): void {
    const track = this.player?.getAudioTracks()[sound];
    if (track) this.player?.selectAudioTrack(track);
    this.offer();
  }

  read(text: number | null): void {
    this.words.forEach(({ track }, place) => (track.mode = place === text ? "showing" : "disabled"));
    this.text = text;
    this.offer();
  }

  retry(): void {
    const from = this.video.currentTime;
    this.rounds = 0;
    this.loaded = false;
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
    for (const track of this.words) track.remove();
    await this.player?.destroy();
  }

  private async load(fromS: number | null): Promise<void> {
    const player = this.player ?? (await this.create());
    if (!player) return;
    await player.load(this.source.url, fromS);
    this.loaded = true;
    this.emit({ type: "loaded", qualities: this.tracks().map(quality), durationS: this.video.duration });
    this.offer();
    if (this.wished) await this.video.play();
  }

  /** The languages of the last time, where this asset has them. */
  private prefer(): void {
    const { startS, audio, captions } = this.beginning;
    const sound = this.player?.getAudioTracks().findIndex((track) => track.language === audio) ?? -1;
    if (sound >= 0) this.hear(sound);
    const text = this.source.captions.findIndex((one) => one.language === captions);
    if (text >= 0) this.read(text);
    if (startS > 0) this.tell({ type: "resumed", positionS: startS });
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
    player.addEventListener("error", (event) => this.endure((event as unknown as { detail: unknown }).detail));
    player.addEventListener("segmentappended", () => (this.rounds = 0));
    player.addEventListener("buffering", (event) =>
      this.tell({ type: "buffering", on: (event as unknown as { buffering: boolean }).buffering }),
    );
    for (const change of ["trackschanged", "audiotrackschanged", "variantchanged"]) {
      player.addEventListener(change, () => this.offer());
    }
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
    on("pause", () => this.emit({ type: "paused" }));
    on("ended", () => this.emit({ type: "ended" }));
    on("timeupdate durationchange progress seeking", () => this.move());
    on("resize", () => this.show());
    on("volumechange", () => this.emit({ type: "loudness", volume: video.volume, muted: video.muted }));
  }

  private move(): void {
    const { currentTime, duration, buffered, ended } = this.video;
    const durationS = Number.isFinite(duration) ? duration : 0;
    let bufferedS = currentTime;
    for (let range = 0; range < buffered.length; range++) {
      if (buffered.start(range) <= currentTime + 0.1) bufferedS = Math.max(bufferedS, buffered.end(range));
    }
    this.emit({ type: "moved", positionS: currentTime, durationS, bufferedS, atEnd: ended });
  }

  private offer(): void {
    const sounds = this.player?.getAudioTracks() ?? [];
    const active = sounds.findIndex((track) => track.active);
    this.tell({
      type: "offered",
      sounds: sounds.map((track) => ({ name: heard(track), language: track.language })),
      sound: active < 0 ? null : active,
      texts: this.source.captions,
      text: this.text,
    });
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

  /** What may pass by itself is tried again before it is a failure. */
  private endure(error: unknown): void {
    const cause = explain(error)?.cause;
    const passing = this.loaded && (cause === "offline" || cause === "busy");
    if (passing && this.rounds < ROUNDS && this.player?.retryStreaming(BETWEEN_ROUNDS_S)) this.rounds += 1;
    else this.report(error);
  }

  private readonly report = (error: unknown): void => {
    const failure = explain(error);
    if (failure) this.tell({ type: "failed", failure });
  };
}

function heard(track: shaka.extern.AudioTrack): string {
  const name = track.label || track.language;
  return (track.channelsCount ?? 2) > 2 ? `${name} 5.1` : name;
}

/**
 * Captions are the element's own. Shaka Player 5.2 loses whole-file captions of HLS that are asked for when all pictures
 * are there (it learns where they belong when it appends pictures), and leaves those of before on the screen.
 */
function caption({ name, language, url }: Caption): HTMLTrackElement {
  const track = Object.assign(document.createElement("track"), { kind: "subtitles", label: name, srclang: language, src: url });
  track.addEventListener("load", () => {
    for (const cue of track.track.cues ?? []) {
      if (cue instanceof VTTCue && cue.line === "auto") Object.assign(cue, { snapToLines: false, line: ABOVE_CONTROLS });
    }
  });
  return track;
}

function side(track: shaka.extern.Track): number {
  return Math.min(track.width ?? 0, track.height ?? 0);
}

function quality(track: shaka.extern.Track): Quality {
  return { side: side(track), bitrateBps: track.bandwidth };
}
