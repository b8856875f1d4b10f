import { expect, it } from "vitest";

import { tokenOf, tokenised } from "./urls";

it.each([
  ["", null],
  ["#t=v1.k.p-_.m", "v1.k.p-_.m"],
  ["#t=", null],
  ["#t=a/../b", null],
  ["#x", null],
])("reads the token of %j", (hash, token) => {
  expect(tokenOf(hash)).toBe(token);
});

it("leads media under the token, and nothing else", () => {
  expect(tokenised("/v/k3v9m2qx7ahd/master.m3u8", "tok")).toBe("/t/tok/v/k3v9m2qx7ahd/master.m3u8");
  expect(tokenised("/api/v1/assets", "tok")).toBe("/api/v1/assets");
  expect(tokenised("/v/a", null)).toBe("/v/a");
});
