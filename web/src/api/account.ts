// Accounts as these pages use them: who am I, sign in, devices, API tokens. Answers are checked, as in assets.ts.
import { ApiError } from "./assets";

export interface Me {
  id: string;
  email: string;
  name: string;
  roles: string[];
}

export interface Session {
  account: Me | null;
  permissions: string[];
}

export interface Device {
  id: string;
  device: string;
  address: string;
  seenAt: Date;
  current: boolean;
}

export interface Provider {
  name: string;
  label: string;
  startUrl: string;
}

export interface WaysIn {
  passwords: boolean;
  providers: Provider[];
}

export interface ApiToken {
  id: string;
  name: string;
  scopes: string[];
  usedAt: Date | null;
}

/** An error that the server explained. RFC 9457. */
export class Problem extends ApiError {
  constructor(
    status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfterS: number | null,
  ) {
    super(status, detail);
  }
}

const DEADLINE_MS = 30_000; // a sign-in may stand in a queue

export async function getSession(): Promise<Session> {
  return readSession(await call("GET", "/api/v1/session"));
}

export async function signIn(email: string, password: string): Promise<Session> {
  return readSession(await call("POST", "/api/v1/session", { email, password }));
}

export async function signOut(): Promise<void> {
  await call("DELETE", "/api/v1/session");
}

export async function changePassword(current: string, next: string): Promise<void> {
  await call("PUT", "/api/v1/session/password", { current, new: next });
}

export async function listDevices(): Promise<Device[]> {
  return list(await call("GET", "/api/v1/sessions")).map((item) => ({
    id: text(item, "id"),
    device: text(item, "device"),
    address: text(item, "address"),
    seenAt: new Date(text(item, "seen_at")),
    current: item["current"] === true,
  }));
}

export async function endDevice(id: string): Promise<void> {
  await call("DELETE", `/api/v1/sessions/${encodeURIComponent(id)}`);
}

export async function endAllDevices(): Promise<void> {
  await call("DELETE", "/api/v1/sessions");
}

export async function waysIn(): Promise<WaysIn> {
  const answer = await call("GET", "/api/v1/providers");
  return {
    passwords: record(answer)["passwords"] === true,
    providers: list(answer).map((item) => ({
      name: text(item, "name"),
      label: text(item, "label"),
      startUrl: text(item, "start_url"),
    })),
  };
}

export async function listTokens(): Promise<ApiToken[]> {
  return list(await call("GET", "/api/v1/api-tokens")).map((item) => ({
    id: text(item, "id"),
    name: text(item, "name"),
    scopes: texts(item["scopes"]),
    usedAt: typeof item["used_at"] === "string" ? new Date(item["used_at"]) : null,
  }));
}

/** The token's text, which no later answer holds. */
export async function createToken(name: string, scopes: readonly string[]): Promise<string> {
  return text(record(await call("POST", "/api/v1/api-tokens", { name, scopes })), "token");
}

export async function revokeToken(id: string): Promise<void> {
  await call("DELETE", `/api/v1/api-tokens/${encodeURIComponent(id)}`);
}

export function readSession(value: unknown): Session {
  const from = record(value);
  const account = from["account"] === null ? null : record(from["account"]);
  return {
    account: account && {
      id: text(account, "id"),
      email: text(account, "email"),
      name: text(account, "name"),
      roles: texts(account["roles"]),
    },
    permissions: texts(from["permissions"]),
  };
}

export async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<unknown> {
  let reply: Response;
  try {
    reply = await fetch(path, {
      method,
      signal: AbortSignal.timeout(DEADLINE_MS),
      headers: { Accept: "application/json", ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    throw new ApiError(0, String(cause));
  }
  if (reply.status === 204) return null;
  const answer: unknown = await reply.json().catch(() => null);
  if (reply.ok) return answer;
  throw readProblem(reply.status, answer, reply.headers.get("Retry-After"));
}

export function readProblem(status: number, answer: unknown, retryAfter: string | null): Problem {
  const from = typeof answer === "object" && answer !== null ? (answer as Record<string, unknown>) : {};
  const [code, detail] = [from["code"], from["detail"]];
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new Problem(
    status,
    typeof code === "string" ? code : "",
    typeof detail === "string" ? detail : `HTTP ${status}`,
    Number.isFinite(seconds) ? seconds : null,
  );
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new ApiError(502, "not an object");
  return value as Record<string, unknown>;
}

function list(value: unknown): Record<string, unknown>[] {
  const items = record(value)["items"];
  if (!Array.isArray(items)) throw new ApiError(502, "not a list");
  return items.map(record);
}

function text(from: Record<string, unknown>, key: string): string {
  const value = from[key];
  if (typeof value !== "string") throw new ApiError(502, `${key} is not text`);
  return value;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
