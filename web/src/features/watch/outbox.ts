// Beats that wait to be sent: a bounded queue that survives the page. Pure.
import type { Beat } from "./beats";

export type Outbox = readonly Beat[];

const MOST = 500; // more than an hour without network; then the oldest are lost
const BATCH = 100; // of some 350 bytes: below the 64 KiB that a page may leave behind

export function add(outbox: Outbox, beats: readonly Beat[]): Outbox {
  return [...outbox, ...beats].slice(-MOST);
}

export function batch(outbox: Outbox): Beat[] {
  return outbox.slice(0, BATCH);
}

/** Without those that were kept, or can never be. */
export function settle(outbox: Outbox, sent: readonly Beat[]): Outbox {
  const names = new Set(sent.map(name));
  return outbox.filter((beat) => !names.has(name(beat)));
}

/** What another page, or this one before, left behind. Anything unreadable is nothing. */
export function parse(text: string | null): Outbox {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.filter(isBeat).slice(-MOST) : [];
  } catch {
    return [];
  }
}

/** Whether an answer leaves no hope for these beats: only time, not repetition, helps with the others. */
export function isFinal(status: number): boolean {
  return status === 200 || (status >= 400 && status < 500 && status !== 401 && status !== 408 && status !== 429);
}

function isBeat(value: unknown): value is Beat {
  return typeof value === "object" && value !== null && "session" in value && "sequence" in value && "asset" in value;
}

function name(beat: Beat): string {
  return `${beat.session} ${beat.sequence}`;
}
