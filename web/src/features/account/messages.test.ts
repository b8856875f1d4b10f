import { expect, it } from "vitest";

import { Problem, readProblem, readSession } from "../../api/account";
import { ApiError } from "../../api/assets";
import { arrivalMessage, credentialsMessage, messageOf, safeNext } from "./messages";

it.each([
  ["no network", new ApiError(0, "x"), /Check your network/],
  ["wrong credentials", new Problem(401, "unauthorized", "x", null), /wrong/],
  ["a lock-out", new Problem(429, "too-many-tries", "x", 12), /12 seconds/],
  ["a long lock-out", new Problem(429, "too-many-tries", "x", 900), /15 minutes/],
  ["Redis away", new Problem(503, "unavailable", "x", 2), /not possible/],
  ["a weak password", new Problem(400, "invalid-input", "password: expected 10 to 256 characters", null), /^Expected 10/],
  ["anything else", new Error("x"), /did not work/],
])("has words for %s", (_, error, expected) => {
  expect(credentialsMessage(error)).toMatch(expected);
});

it("tells a session that is over from a wrong password", () => {
  const error = new Problem(401, "unauthorized", "x", null);
  expect(messageOf(error)).toMatch(/Sign in again/);
});

it.each(["expired", "declined", "no-email", "unverified", "domain", "email-taken", "no-sign-up", "disabled", "unavailable", "busy", "not-believed", "failed"])(
  "has words for the way back: %s",
  (reason) => expect(arrivalMessage(reason).length).toBeGreaterThan(20),
);

it("takes unknown reasons, also names of methods", () => {
  expect(arrivalMessage("constructor")).toBe(arrivalMessage("failed"));
});

it.each([
  ["/watch/k3v9m2qx7ahd?type=dash", "/watch/k3v9m2qx7ahd?type=dash"],
  ["//evil.example", "/"],
  ["/\\evil.example", "/"],
  ["https://evil.example", "/"],
  [null, "/"],
])("goes back to %s safely", (next, expected) => expect(safeNext(next)).toBe(expected));

it("reads answers that are not what they should be", () => {
  expect(readProblem(502, "<html>", "soon")).toMatchObject({ status: 502, code: "", retryAfterS: null });
  expect(readSession({ account: null, permissions: ["watch", 7] })).toEqual({ account: null, permissions: ["watch"] });
  expect(() => readSession({ account: { id: 7 } })).toThrow(ApiError);
});
