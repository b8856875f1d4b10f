// Like and dislike as the page shows them: at once, and back again when the server says no. Pure.
import type { Reaction, Reactions } from "../../api/signals";

/** `known`: what the server said last. `wished`: what was pressed since. */
export interface Opinion {
  known: Reactions;
  wished: Reaction | null;
  failed: boolean;
}

export type OpinionEvent =
  | { type: "told"; reactions: Reactions }
  | { type: "pressed"; reaction: "like" | "dislike" }
  | { type: "refused" };

export const unknown: Opinion = { known: { reaction: "none", likes: 0, dislikes: 0 }, wished: null, failed: false };

export function reduceOpinion(opinion: Opinion, event: OpinionEvent): Opinion {
  switch (event.type) {
    case "told":
      return { known: event.reactions, wished: null, failed: false };
    case "pressed":
      return { ...opinion, wished: pressed(opinion, event.reaction), failed: false };
    case "refused":
      return { ...opinion, wished: null, failed: true };
  }
}

/** Pressing what is set takes it back. */
export function pressed(opinion: Opinion, reaction: "like" | "dislike"): Reaction {
  return (opinion.wished ?? opinion.known.reaction) === reaction ? "none" : reaction;
}

export function shown({ known, wished }: Opinion): Reactions {
  const reaction = wished ?? known.reaction;
  const count = (which: "like" | "dislike", of: number) => of + Number(reaction === which) - Number(known.reaction === which);
  return { reaction, likes: count("like", known.likes), dislikes: count("dislike", known.dislikes) };
}
