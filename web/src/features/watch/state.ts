// The player as the page sees it: one record, changed only by this reducer. Pure.

export type Cause = "offline" | "missing" | "refused" | "busy" | "damaged" | "unsupported" | "blocked" | "unknown";

export interface Quality {
  side: number;
  bitrateBps: number;
}

/** Something to hear or to read; `name` is what the viewer knows it by. */
export interface Choice {
  name: string;
  language: string;
}

/** A WebVTT file. */
export interface Caption extends Choice {
  url: string;
}

export interface Failure {
  cause: Cause;
  code: string;
}

/** `side`: pixels of the shorter side, the number before the "p". `quality`: what the viewer asked for. `showing`: what is on the screen. */
export interface PlayerState {
  phase: "loading" | "paused" | "playing" | "ended" | "failed";
  buffering: boolean;
  positionS: number;
  durationS: number;
  bufferedS: number;
  volume: number;
  muted: boolean;
  qualities: readonly Quality[];
  quality: number | "auto";
  showing: number | null;
  /** `sound`, `text`: places in the lists; null for none. */
  sounds: readonly Choice[];
  sound: number | null;
  texts: readonly Choice[];
  text: number | null;
  failure: Failure | null;
  /** Where the player went on from an earlier time, until the viewer took note. */
  resumedS: number | null;
}

export type PlayerEvent =
  | { type: "loaded"; qualities: readonly Quality[]; durationS: number }
  | { type: "played" }
  | { type: "paused" }
  | { type: "ended" }
  | { type: "moved"; positionS: number; durationS: number; bufferedS: number; atEnd: boolean }
  | { type: "buffering"; on: boolean }
  | { type: "loudness"; volume: number; muted: boolean }
  | { type: "showing"; side: number | null }
  | { type: "offered"; sounds: readonly Choice[]; sound: number | null; texts: readonly Choice[]; text: number | null }
  | { type: "chose"; quality: number | "auto" }
  | { type: "failed"; failure: Failure }
  | { type: "retried" }
  | { type: "resumed"; positionS: number }
  | { type: "noticed" };

export const initial: PlayerState = {
  phase: "loading",
  buffering: true,
  positionS: 0,
  durationS: 0,
  bufferedS: 0,
  volume: 1,
  muted: false,
  qualities: [],
  quality: "auto",
  showing: null,
  sounds: [],
  sound: null,
  texts: [],
  text: null,
  failure: null,
  resumedS: null,
};

export function reduce(state: PlayerState, event: PlayerEvent): PlayerState {
  switch (event.type) {
    case "loaded":
      return {
        ...state,
        phase: state.phase === "playing" ? "playing" : "paused",
        buffering: false,
        failure: null,
        durationS: event.durationS,
        qualities: distinct(event.qualities),
      };
    case "played":
      return { ...state, phase: "playing", failure: null };
    case "paused":
      return state.phase === "playing" ? { ...state, phase: "paused" } : state;
    case "ended":
      return { ...state, phase: "ended", buffering: false, positionS: state.durationS };
    case "moved":
      return {
        ...state,
        phase: state.phase === "ended" && !event.atEnd ? "paused" : state.phase,
        positionS: event.positionS,
        durationS: event.durationS || state.durationS,
        bufferedS: event.bufferedS,
      };
    case "buffering":
      return { ...state, buffering: event.on && state.phase !== "failed" };
    case "loudness":
      return { ...state, volume: event.volume, muted: event.muted };
    case "showing":
      return { ...state, showing: event.side };
    case "offered":
      return { ...state, sounds: event.sounds, sound: event.sound, texts: event.texts, text: event.text };
    case "chose":
      return { ...state, quality: event.quality };
    case "failed":
      return event.failure.cause === "blocked"
        ? { ...state, phase: "paused", failure: event.failure }
        : { ...state, phase: "failed", buffering: false, failure: event.failure };
    case "resumed":
      return { ...state, resumedS: event.positionS, positionS: event.positionS };
    case "noticed":
      return { ...state, resumedS: null };
    case "retried":
      return { ...state, phase: "loading", buffering: true, failure: null };
  }
}

/** One entry for each quality, the best first; of equal ones the higher bitrate counts. */
function distinct(qualities: readonly Quality[]): Quality[] {
  const best = new Map<number, Quality>();
  for (const quality of qualities) {
    const known = best.get(quality.side);
    if (!known || known.bitrateBps < quality.bitrateBps) best.set(quality.side, quality);
  }
  return [...best.values()].sort((a, b) => b.side - a.side);
}
