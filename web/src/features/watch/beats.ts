// What a playback session tells about itself: events of the video in, beats out. Pure.
// A beat says where playback is and how much media led there without a break since the beat before, so that any of them
// may be lost, repeated or late (origin/core/signals/beats.py).

export type BeatState = "playing" | "paused" | "seeking" | "buffering" | "ended" | "closed";

/** As the API takes it. */
export interface Beat {
  session: string;
  sequence: number;
  asset: string;
  position_s: number;
  played_s: number;
  rate: number;
  state: BeatState;
  at_ms: number;
  acted_at_ms: number;
  rendition: string | null;
  audio: string | null;
  captions: string | null;
}

export interface Choices {
  rendition: string | null;
  audio: string | null;
  captions: string | null;
}

/** `fromS`: where the part began that no beat has told of yet; `lastS`: how far it came. `actedAtMs` null: not started. */
export interface Sitting {
  session: string;
  asset: string;
  sequence: number;
  playing: boolean;
  seeking: boolean;
  rate: number;
  fromS: number;
  lastS: number;
  actedAtMs: number | null;
  choices: Choices;
}

export type Event =
  | { type: "played"; positionS: number; nowMs: number }
  | { type: "moved"; positionS: number; nowMs: number }
  | { type: "paused"; positionS: number; nowMs: number }
  | { type: "waiting"; positionS: number; nowMs: number }
  | { type: "seeking"; nowMs: number }
  | { type: "sought"; positionS: number; nowMs: number }
  | { type: "rated"; rate: number; nowMs: number }
  | { type: "ended"; positionS: number; nowMs: number }
  | { type: "told"; nowMs: number }
  | { type: "left"; nowMs: number }
  | { type: "chose"; choices: Choices };

export type Step = [Sitting, Beat[]];

const LONGEST_S = 60; // of media in one beat: a tab that slept longer played nothing that anybody saw told

export function begin(session: string, asset: string): Sitting {
  const choices = { rendition: null, audio: null, captions: null };
  return { session, asset, sequence: 0, playing: false, seeking: false, rate: 1, fromS: 0, lastS: 0, actedAtMs: null, choices };
}

export function reduce(sitting: Sitting, event: Event): Step {
  switch (event.type) {
    case "played": {
      const actedAtMs = sitting.playing ? sitting.actedAtMs : event.nowMs;
      if (sitting.playing) return [sitting, []];
      return [{ ...sitting, playing: true, actedAtMs, fromS: event.positionS, lastS: event.positionS }, []];
    }
    case "moved": {
      if (!sitting.playing || sitting.seeking) return [sitting, []];
      const moved = { ...sitting, lastS: Math.max(event.positionS, sitting.lastS) };
      return moved.lastS - moved.fromS >= LONGEST_S ? tell(moved, "playing", event.nowMs) : [moved, []];
    }
    case "paused":
      return sitting.playing ? stop(sitting, event.positionS, "paused", event.nowMs) : [sitting, []];
    case "ended":
      return sitting.actedAtMs === null ? [sitting, []] : stop(sitting, event.positionS, "ended", event.nowMs);
    case "waiting":
      return sitting.playing && sitting.lastS > sitting.fromS ? tell(sitting, "buffering", event.nowMs) : [sitting, []];
    case "seeking": {
      if (sitting.actedAtMs === null || sitting.seeking) return [sitting, []];
      const [told, beats] = sitting.lastS > sitting.fromS ? tell(sitting, "seeking", event.nowMs) : [sitting, []];
      return [{ ...told, seeking: true }, beats];
    }
    case "sought": {
      if (sitting.actedAtMs === null) return [sitting, []];
      const there = { ...sitting, seeking: false, fromS: event.positionS, lastS: event.positionS, actedAtMs: event.nowMs };
      return tell(there, "seeking", event.nowMs);
    }
    case "rated": {
      const [told, beats] = sitting.lastS > sitting.fromS ? tell(sitting, "playing", event.nowMs) : [sitting, []];
      return [{ ...told, rate: event.rate }, beats];
    }
    case "told":
      return sitting.playing && sitting.lastS > sitting.fromS ? tell(sitting, "playing", event.nowMs) : [sitting, []];
    case "left":
      return sitting.lastS > sitting.fromS ? tell(sitting, "closed", event.nowMs) : [sitting, []];
    case "chose":
      return [{ ...sitting, choices: event.choices }, []];
  }
}

function stop(sitting: Sitting, positionS: number, state: BeatState, nowMs: number): Step {
  const lastS = sitting.seeking ? sitting.lastS : Math.max(positionS, sitting.lastS);
  return tell({ ...sitting, playing: false, lastS }, state, nowMs);
}

function tell(sitting: Sitting, state: BeatState, nowMs: number): Step {
  const { session, asset, sequence, rate, fromS, lastS, actedAtMs, choices } = sitting;
  const beat: Beat = {
    session,
    sequence,
    asset,
    position_s: round(lastS),
    played_s: Math.min(round(lastS - fromS), round(lastS)),
    rate,
    state,
    at_ms: nowMs,
    acted_at_ms: actedAtMs ?? nowMs,
    ...choices,
  };
  return [{ ...sitting, sequence: sequence + 1, fromS: lastS }, [beat]];
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
