import { expect, it } from "vitest";

import { commandOf } from "./keys";

it.each([
  [" ", { do: "toggle" }],
  ["k", { do: "toggle" }],
  ["ArrowLeft", { do: "skip", seconds: -5 }],
  ["l", { do: "skip", seconds: 10 }],
  ["ArrowUp", { do: "louder", by: 0.1 }],
  ["0", { do: "jump", share: 0 }],
  ["9", { do: "jump", share: 0.9 }],
  ["f", { do: "fullscreen" }],
  ["m", { do: "mute" }],
  ["Tab", null],
  ["Enter", null],
])("%j", (key, command) => {
  expect(commandOf(key)).toEqual(command);
});
