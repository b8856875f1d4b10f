import { describe, expect, it } from "vitest";

import { begin, type Beat, type Event, reduce, type Sitting } from "./beats";

function told(...events: Event[]): { beats: Beat[]; sitting: Sitting } {
  let sitting = begin("s".repeat(22), "k3v9m2qx7ahd");
  const beats: Beat[] = [];
  for (const event of events) {
    const [next, more] = reduce(sitting, event);
    sitting = next;
    beats.push(...more);
  }
  return { beats, sitting };
}

const played = (positionS: number, nowS: number): Event => ({ type: "played", positionS, nowMs: nowS * 1000 });
const moved = (positionS: number, nowS: number): Event => ({ type: "moved", positionS, nowMs: nowS * 1000 });
const tick = (nowS: number): Event => ({ type: "told", nowMs: nowS * 1000 });
const shown = (beats: Beat[]) => beats.map((beat) => [beat.sequence, beat.state, beat.position_s, beat.played_s, beat.acted_at_ms / 1000]);

describe("beats", () => {
  it.each<[string, Event[], (number | string)[][]]>([
    ["nothing before it plays", [moved(5, 0), { type: "seeking", nowMs: 1 }, { type: "sought", positionS: 9, nowMs: 2 }, tick(10)], []],
    ["every ten seconds", [played(0, 100), moved(9.9, 110), tick(110), moved(20, 120), tick(120)], [
      [0, "playing", 9.9, 9.9, 100],
      [1, "playing", 20, 10.1, 100],
    ]],
    ["nothing while nothing moves", [played(0, 100), tick(110), tick(120)], []],
    ["a pause tells the rest, and only once", [played(3, 100), moved(8, 105), { type: "paused", positionS: 8.5, nowMs: 105_500 }, tick(110)], [
      [0, "paused", 8.5, 5.5, 100],
    ]],
    ["a seek tells what was before, then where it is", [
      played(0, 100),
      moved(7, 107),
      { type: "seeking", nowMs: 107_000 },
      moved(60, 107),
      { type: "sought", positionS: 60, nowMs: 107_500 },
      moved(62, 109),
      tick(110),
    ], [
      [0, "seeking", 7, 7, 100],
      [1, "seeking", 60, 0, 107.5],
      [2, "playing", 62, 2, 107.5],
    ]],
    ["a seek while paused is an act", [played(0, 100), { type: "paused", positionS: 1, nowMs: 101_000 }, { type: "seeking", nowMs: 1 }, { type: "sought", positionS: 30, nowMs: 102_000 }], [
      [0, "paused", 1, 1, 100],
      [1, "seeking", 30, 0, 102],
    ]],
    ["the end", [played(50, 100), moved(59, 109), { type: "ended", positionS: 60, nowMs: 110_000 }], [[0, "ended", 60, 10, 100]]],
    ["leaving", [played(0, 100), moved(4, 104), { type: "left", nowMs: 104_000 }, { type: "left", nowMs: 105_000 }], [[0, "closed", 4, 4, 100]]],
    ["a sleeping tab is told in parts", [played(0, 0), moved(61, 61)], [[0, "playing", 61, 61, 0]]],
  ])("%s", (_, events, expected) => {
    expect(shown(told(...events).beats)).toEqual(expected);
  });

  it("tells the speed at which each part was played", () => {
    const { beats } = told(played(0, 0), moved(5, 5), { type: "rated", rate: 2, nowMs: 5000 }, moved(15, 10), tick(10));
    expect(beats.map((beat) => [beat.played_s, beat.rate])).toEqual([
      [5, 1],
      [10, 2],
    ]);
  });

  it("carries what the viewer chose", () => {
    const choices = { rendition: "720p", audio: "en", captions: null };
    const { beats } = told({ type: "chose", choices }, played(0, 0), moved(5, 5), tick(5));
    expect(beats[0]).toMatchObject(choices);
  });
});
