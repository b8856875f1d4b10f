// URLs in API answers start with the configured public address. The page may have been opened under another one
// (localhost, a LAN name), and its policy allows only its own: paths are what counts.

export function sameOrigin(url: string): string {
  const { pathname, search } = new URL(url, "http://page.invalid");
  return pathname + search;
}
