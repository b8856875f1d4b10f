// Where to go on, and what viewers think: the parts of the API that are about one viewer and one asset.
import { ApiError } from "./assets";
import { tokenOf } from "./urls";

export interface Place {
  startS: number;
  audio: string | null;
  captions: string | null;
}

export type Reaction = "like" | "dislike" | "none";

export interface Reactions {
  reaction: Reaction;
  likes: number;
  dislikes: number;
}

const PLACE_DEADLINE_MS = 1500; // who waits longer for a video rather starts it at the beginning
const DEADLINE_MS = 10_000;

export async function getPlace(asset: string): Promise<Place> {
  const from = await call("GET", `/api/v1/resume/${asset}`, PLACE_DEADLINE_MS);
  return { startS: number(from, "start_s"), audio: text(from, "audio"), captions: text(from, "captions") };
}

export async function getReactions(asset: string): Promise<Reactions> {
  return readReactions(await call("GET", path(asset), DEADLINE_MS));
}

export async function react(asset: string, reaction: Reaction): Promise<Reactions> {
  if (reaction === "none") return readReactions(await call("DELETE", path(asset), DEADLINE_MS));
  return readReactions(await call("PUT", path(asset), DEADLINE_MS, { reaction }));
}

export function readReactions(from: Record<string, unknown>): Reactions {
  const reaction = (["like", "dislike", "none"] as const).find((known) => known === from["reaction"]);
  if (reaction === undefined) throw new ApiError(502, "not a reaction");
  return { reaction, likes: number(from, "likes"), dislikes: number(from, "dislikes") };
}

function path(asset: string): string {
  return `/api/v1/assets/${asset}/reaction`;
}

async function call(method: string, url: string, deadlineMs: number, body?: unknown): Promise<Record<string, unknown>> {
  const token = tokenOf(location.hash); // of a private video: whoever may play it may say so here, too
  let answer: unknown;
  try {
    const reply = await fetch(url, {
      method,
      signal: AbortSignal.timeout(deadlineMs),
      headers: { Accept: "application/json", ...(token === null ? {} : { "Playback-Token": token }), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!reply.ok) throw new ApiError(reply.status, `HTTP ${reply.status}`);
    answer = await reply.json();
  } catch (cause) {
    throw cause instanceof ApiError ? cause : new ApiError(0, String(cause));
  }
  if (typeof answer !== "object" || answer === null) throw new ApiError(502, "not an object");
  return answer as Record<string, unknown>;
}

function number(from: Record<string, unknown>, key: string): number {
  const value = from[key];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new ApiError(502, `${key} is not a number`);
  return value;
}

function text(from: Record<string, unknown>, key: string): string | null {
  const value = from[key];
  return typeof value === "string" ? value : null;
}
