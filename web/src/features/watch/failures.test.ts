import { expect, it } from "vitest";

import { strings } from "../../strings";
import { explain } from "./failures";

const shaka = (code: number, category: number, ...data: unknown[]) => ({ code, category, data, severity: 2 });

it.each<[string, unknown, string | null]>([
  ["not found", shaka(1001, 1, "/v/x", 404), "missing"],
  ["purged", shaka(1001, 1, "/v/x", 410), "missing"],
  ["forbidden", shaka(1001, 1, "/v/x", 403), "refused"],
  ["origin away", shaka(1001, 1, "/v/x", 503), "busy"],
  ["no network", shaka(1002, 1, "/v/x"), "offline"],
  ["too slow", shaka(1003, 1, "/v/x"), "offline"],
  ["broken box", shaka(3000, 3), "damaged"],
  ["decoder gave up", shaka(3016, 3, 3), "damaged"],
  ["not a playlist", shaka(4015, 4), "damaged"],
  ["codec unknown", shaka(4032, 4), "unsupported"],
  ["load given up by us", shaka(7000, 7), null],
  ["autoplay", new DOMException("", "NotAllowedError"), "blocked"],
  ["play given up by us", new DOMException("", "AbortError"), null],
  ["a bug", new TypeError("x is undefined"), "unknown"],
  ["nothing", undefined, "unknown"],
])("%s", (_, error, cause) => {
  const failure = explain(error);
  expect(failure?.cause ?? null).toBe(cause);
  if (failure) expect(strings.failures[failure.cause]).toMatch(/\.$/);
});
