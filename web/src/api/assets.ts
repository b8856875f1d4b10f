// The origin's API as far as these pages read it. Answers are checked: a wrong one is an error here, not later.
import { sameOrigin } from "./urls";

export const STATES = ["waiting", "uploading", "queued", "processing", "ready", "failed"] as const;
export type State = (typeof STATES)[number];

export const VISIBILITIES = ["public", "unlisted", "private", "scheduled"] as const;
export type Visibility = (typeof VISIBILITIES)[number];

export interface Asset {
  id: string;
  title: string;
  description: string;
  tags: string[];
  category: string | null;
  language: string | null;
  visibility: Visibility;
  publishAt: Date | null;
  ownerId: string | null;
  state: State;
  failure: string | null;
  progress: number;
  uploadedBytes: number;
  durationS: number | null;
  hls: string;
  dash: string;
  poster: string | null;
  storyboard: string | null;
  views: number;
  captions: readonly { name: string; language: string; url: string }[];
}

export interface AssetPage {
  items: Asset[];
  next: string | null;
}

/** `status` 0: no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const DEADLINE_MS = 10_000;

export async function getAsset(id: string, signal: AbortSignal, token: string | null = null): Promise<Asset> {
  return readAsset(await getJson(`/api/v1/assets/${id}`, signal, token === null ? {} : { "Playback-Token": token }));
}

export async function listAssets(cursor: string | null, signal: AbortSignal): Promise<AssetPage> {
  const query = new URLSearchParams({ limit: "24", ...(cursor === null ? {} : { cursor }) });
  const page = record(await getJson(`/api/v1/assets?${query}`, signal));
  if (!Array.isArray(page["items"])) throw new ApiError(502, "a page of assets has no items");
  return { items: page["items"].map(readAsset), next: text(page, "next") };
}

async function getJson(path: string, signal: AbortSignal, headers: Record<string, string> = {}): Promise<unknown> {
  const either = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
  let reply: Response;
  try {
    reply = await fetch(path, { signal: either, headers: { Accept: "application/json", ...headers } });
  } catch (cause) {
    signal.throwIfAborted();
    throw new ApiError(0, String(cause));
  }
  if (!reply.ok) throw new ApiError(reply.status, `HTTP ${reply.status}`);
  try {
    return await reply.json();
  } catch (cause) {
    signal.throwIfAborted();
    throw new ApiError(502, String(cause));
  }
}

export function readAsset(value: unknown): Asset {
  const from = record(value);
  const id = text(from, "id");
  const state = STATES.find((known) => known === from["state"]);
  const [hls, dash] = [text(from, "hls_url"), text(from, "dash_url")];
  if (id === null || state === undefined || hls === null || dash === null) {
    throw new ApiError(502, "not an asset");
  }
  const [poster, storyboard] = [text(from, "poster_url"), text(from, "storyboard_url")];
  return {
    id,
    state,
    title: text(from, "title") ?? id,
    description: text(from, "description") ?? "",
    tags: Array.isArray(from["tags"]) ? from["tags"].filter((tag) => typeof tag === "string") : [],
    category: text(from, "category"),
    language: text(from, "language"),
    visibility: VISIBILITIES.find((known) => known === from["visibility"]) ?? "public",
    publishAt: date(from, "publish_at"),
    ownerId: text(from, "owner_id"),
    failure: text(from, "failure"),
    progress: number(from, "progress") ?? 0,
    uploadedBytes: number(from, "uploaded_bytes") ?? 0,
    durationS: number(from, "duration_s"),
    views: number(from, "views") ?? 0,
    hls: sameOrigin(hls),
    dash: sameOrigin(dash),
    poster: poster && sameOrigin(poster),
    storyboard: storyboard && sameOrigin(storyboard),
    captions: Array.isArray(from["captions"]) ? from["captions"].flatMap(readCaption) : [],
  };
}

function readCaption(value: unknown): { name: string; language: string; url: string }[] {
  const from = record(value);
  const [name, url] = [text(from, "label"), text(from, "url")];
  return name === null || url === null ? [] : [{ name, language: text(from, "language") ?? "", url: sameOrigin(url) }];
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new ApiError(502, "not an object");
  return value as Record<string, unknown>;
}

function text(from: Record<string, unknown>, key: string): string | null {
  const value = from[key];
  return typeof value === "string" ? value : null;
}

function number(from: Record<string, unknown>, key: string): number | null {
  const value = from[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function date(from: Record<string, unknown>, key: string): Date | null {
  const value = text(from, key);
  return value === null || Number.isNaN(Date.parse(value)) ? null : new Date(value);
}
