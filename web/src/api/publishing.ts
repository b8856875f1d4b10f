// What publishers do with videos of their own.
import { call } from "./account";
import { ApiError, type Asset, readAsset } from "./assets";

/** The asset as it is now, and the tag that an edit of it names. */
export interface Editable {
  asset: Asset;
  tag: string;
}

export async function getEditable(id: string): Promise<Editable> {
  const reply = await fetch(`/api/v1/assets/${id}`, { headers: { Accept: "application/json" } });
  const tag = reply.headers.get("ETag");
  if (!reply.ok || tag === null) throw new ApiError(reply.status, `HTTP ${reply.status}`);
  return { asset: readAsset(await reply.json()), tag };
}

export async function editAsset(id: string, tag: string, change: Record<string, unknown>): Promise<Asset> {
  return readAsset(await call("PATCH", `/api/v1/assets/${id}`, change, { "If-Match": tag }));
}

/** A playback token for a private video of one's own. */
export async function signToken(id: string): Promise<string> {
  const answer = await call("POST", "/api/v1/tokens", { asset: id });
  const token = typeof answer === "object" && answer !== null ? (answer as Record<string, unknown>)["token"] : null;
  if (typeof token !== "string") throw new ApiError(502, "not a token");
  return token;
}
