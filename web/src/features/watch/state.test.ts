import { describe, expect, it } from "vitest";

import { initial, type PlayerEvent, type PlayerState, reduce } from "./state";

const after = (...events: PlayerEvent[]): PlayerState => events.reduce(reduce, initial);

const loaded: PlayerEvent = {
  type: "loaded",
  durationS: 60,
  qualities: [
    { side: 360, bitrateBps: 900_000 },
    { side: 1080, bitrateBps: 6_000_000 },
    { side: 360, bitrateBps: 700_000 },
  ],
};
const at = (positionS: number): PlayerEvent => ({ type: "moved", positionS, durationS: 60, bufferedS: positionS + 10, atEnd: positionS >= 59.9 });
const offered: PlayerEvent = {
  type: "offered",
  sounds: [
    { name: "English", language: "en" },
    { name: "Deutsch", language: "de" },
  ],
  sound: 1,
  texts: [{ name: "English", language: "en" }],
  text: null,
};
const lost: PlayerEvent = { type: "failed", failure: { cause: "offline", code: "1002" } };

describe("phases", () => {
  it.each<[string, PlayerEvent[], PlayerState["phase"]]>([
    ["nothing yet", [], "loading"],
    ["loaded", [loaded], "paused"],
    ["play pressed before the load", [{ type: "played" }, loaded], "playing"],
    ["playing", [loaded, { type: "played" }], "playing"],
    ["paused", [loaded, { type: "played" }, { type: "paused" }], "paused"],
    ["to the end", [loaded, { type: "played" }, at(60), { type: "ended" }], "ended"],
    ["the pause that browsers report at the end", [loaded, { type: "played" }, { type: "ended" }, { type: "paused" }], "ended"],
    ["a seek back from the end", [loaded, { type: "ended" }, at(10)], "paused"],
    ["an error", [loaded, { type: "played" }, lost], "failed"],
    ["a pause after an error", [loaded, lost, { type: "paused" }], "failed"],
    ["a second try", [loaded, lost, { type: "retried" }], "loading"],
    ["a second try that works", [loaded, lost, { type: "retried" }, loaded], "paused"],
  ])("%s", (_, events, phase) => {
    expect(after(...events).phase).toBe(phase);
  });
});

it("keeps the page usable when the browser only wants a press", () => {
  const state = after(loaded, { type: "failed", failure: { cause: "blocked", code: "NotAllowedError" } });
  expect([state.phase, state.failure?.cause]).toEqual(["paused", "blocked"]);
  expect(reduce(state, { type: "played" }).failure).toBeNull();
});

it("offers each quality once, the best first", () => {
  expect(after(loaded).qualities).toEqual([
    { side: 1080, bitrateBps: 6_000_000 },
    { side: 360, bitrateBps: 900_000 },
  ]);
});

it("shows no spinner over an error", () => {
  expect(after(loaded, lost, { type: "buffering", on: true }).buffering).toBe(false);
});

it("stands at the very end when ended", () => {
  expect(after(loaded, at(59.9), { type: "ended" }).positionS).toBe(60);
});

it("changes nothing in place", () => {
  const frozen = Object.freeze(after(loaded));
  expect(reduce(frozen, at(1))).not.toBe(frozen);
});

describe("sounds and captions", () => {
  it("are those that the player offered last", () => {
    const state = after(loaded, offered);
    expect([state.sounds.length, state.sound, state.texts.length, state.text]).toEqual([2, 1, 1, null]);
    expect(after(loaded, offered, { ...offered, sound: 0, text: 0 })).toMatchObject({ sound: 0, text: 0 });
  });

  it("stay through a failure", () => {
    expect(after(loaded, offered, lost).sounds).toHaveLength(2);
  });
});
