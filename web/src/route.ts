// Which page a path names. Pure.

export type Place = { page: "discover" } | { page: "watch"; asset: string } | { page: "unknown" };

export function route(path: string): Place {
  if (path === "/") return { page: "discover" };
  const asset = /^\/watch\/([a-z0-9]{12})\/?$/.exec(path)?.[1];
  return asset === undefined ? { page: "unknown" } : { page: "watch", asset };
}
