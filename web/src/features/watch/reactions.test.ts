import { expect, it } from "vitest";

import { type Opinion, type OpinionEvent, reduceOpinion, shown, unknown } from "./reactions";

const after = (...events: OpinionEvent[]) => shown(events.reduce<Opinion>(reduceOpinion, unknown));
const told: OpinionEvent = { type: "told", reactions: { reaction: "like", likes: 5, dislikes: 2 } };
const like: OpinionEvent = { type: "pressed", reaction: "like" };
const dislike: OpinionEvent = { type: "pressed", reaction: "dislike" };

it.each<[string, OpinionEvent[], [string, number, number]]>([
  ["a first like", [like], ["like", 1, 0]],
  ["as told", [told], ["like", 5, 2]],
  ["taken back", [told, like], ["none", 4, 2]],
  ["taken back twice", [told, like, like], ["like", 5, 2]],
  ["changed", [told, dislike], ["dislike", 4, 3]],
  ["refused", [told, dislike, { type: "refused" }], ["like", 5, 2]],
])("%s", (_, events, [reaction, likes, dislikes]) => {
  expect(after(...events)).toEqual({ reaction, likes, dislikes });
});
