// Which page a path names. Pure.

export type Place = { page: "discover" } | { page: "sign-in" } | { page: "account" } | { page: "watch"; asset: string } | { page: "unknown" };

export function route(path: string): Place {
  if (path === "/") return { page: "discover" };
  if (path === "/sign-in") return { page: "sign-in" };
  if (path === "/account") return { page: "account" };
  const asset = /^\/watch\/([a-z0-9]{12})\/?$/.exec(path)?.[1];
  return asset === undefined ? { page: "unknown" } : { page: "watch", asset };
}
