import { expect, it } from "vitest";

import { type Beat } from "./beats";
import { add, batch, isFinal, parse, settle } from "./outbox";

const beat = (sequence: number) => ({ session: "s", sequence, asset: "a" }) as Beat;
const beats = (count: number) => Array.from({ length: count }, (_, sequence) => beat(sequence));

it("keeps the newest of too many", () => {
  const outbox = add(beats(499), [beat(499), beat(500)]);
  expect([outbox.length, outbox[0]?.sequence, outbox.at(-1)?.sequence]).toEqual([500, 1, 500]);
});

it("forgets what was kept, whatever came in between", () => {
  const sent = batch(beats(150));
  expect(sent.length).toBe(100);
  expect(settle(add(beats(150), [beat(150)]), sent).map((left) => left.sequence)[0]).toBe(100);
});

it.each([
  [null, 0],
  ["{", 0],
  ['{"a": 1}', 0],
  ['[1, null, {"session": "s"}]', 0],
  [JSON.stringify(beats(3)), 3],
])("reads what was left: %j", (text, count) => {
  expect(parse(text).length).toBe(count);
});

it.each([
  [200, true],
  [400, true],
  [413, true],
  [401, false],
  [429, false],
  [503, false],
  [0, false],
])("%i is final: %s", (status, final) => {
  expect(isFinal(status)).toBe(final);
});
