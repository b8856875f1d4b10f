import { expect, it } from "vitest";

import { clock, size } from "./time";

it.each([
  [0, "0:00"],
  [75.9, "1:15"],
  [3675, "1:01:15"],
  [Number.NaN, "0:00"],
  [-3, "0:00"],
])("clock(%s)", (seconds, text) => expect(clock(seconds)).toBe(text));

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_536_000, "1.5 MB"],
  [123_456_789, "123 MB"],
])("size(%s)", (bytes, text) => expect(size(bytes)).toBe(text));
