"""Response fields of the web app: caching, and what a page may load. Pure.

Nothing comes from third parties. Shaka Player feeds `<video>` through Media Source Extensions (a blob: URL) and
may start a worker from one.
"""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",  # the page sets styles by script (CSSOM), never by attributes in markup
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def page_headers(etag: str) -> dict[str, str]:
    """Fields of an HTML page: asked for again each time, because it names the hashed files of the last build."""
    return {
        **SECURITY_HEADERS,
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": _POLICY,
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        "Cache-Control": "no-cache",
        "Surrogate-Key": "web",
        "ETag": etag,
    }


def static_headers(media_type: str, etag: str, *, hashed: bool) -> dict[str, str]:
    """Fields of every other file; `hashed`: its name changes with its content."""
    text = media_type.startswith("text/") and "charset" not in media_type
    return {
        **SECURITY_HEADERS,
        "Content-Type": f"{media_type}; charset=utf-8" if text else media_type,
        "Cache-Control": "public, max-age=31536000, immutable" if hashed else "public, max-age=300",
        "Surrogate-Key": "web",
        "ETag": etag,
    }
