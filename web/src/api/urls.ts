// URLs in API answers start with the configured public address. The page may have been opened under another one
// (localhost, a LAN name), and its policy allows only its own: paths are what counts.

// A private video is opened by /watch/ID#t=TOKEN: browsers keep what stands behind # to themselves.
export function tokenOf(hash: string): string | null {
  return /^#t=([A-Za-z0-9._~-]{1,1024})$/.exec(hash)?.[1] ?? null;
}

/** The same object under a playback token. Only media have such addresses. */
export function tokenised(path: string, token: string | null): string {
  return token !== null && path.startsWith("/v/") ? `/t/${token}${path}` : path;
}

export function sameOrigin(url: string): string {
  const { pathname, search } = new URL(url, "http://page.invalid");
  return pathname + search;
}
