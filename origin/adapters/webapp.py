"""The built web app: every file of its folder in memory, with the fields that browsers need. Read again after a build."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from origin.core.caching import body_etag
from origin.core.pages import page_headers, static_headers
from playnet.errors import Unavailable

_MAX_BYTES: Final = 64 << 20  # a build has a few MB; a folder beyond this is not one
_HASHED: Final = "assets"  # Vite's folder of files whose names change with their content

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file, ready to be sent."""

    body: bytes
    headers: dict[str, str]


class WebApp:
    """Files by URL path. A request can only name what the folder held when it was read: nothing to traverse."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, WebFile] = {}
        self._built_ns = -1

    def page(self) -> WebFile:
        """The one HTML page. Unavailable when the app was never built."""
        self._refresh()
        page = self._files.get("index.html")
        if page is None:
            raise Unavailable("the web app is not built yet: `make setup` builds it")
        return page

    def file(self, name: str) -> WebFile | None:
        """A file by its path below the folder."""
        self._refresh()
        return self._files.get(name)

    def _refresh(self) -> None:
        try:
            built_ns = (self._folder / "index.html").stat().st_mtime_ns
        except OSError:
            built_ns = 0
        if built_ns != self._built_ns:
            self._files = _read(self._folder) if built_ns else {}
            self._built_ns = built_ns


def _read(folder: Path) -> dict[str, WebFile]:
    files: dict[str, WebFile] = {}
    total = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        total += path.stat().st_size
        if total > _MAX_BYTES:
            raise Unavailable(f"the web app's folder holds more than {_MAX_BYTES} bytes: it is no build")
        name = path.relative_to(folder).as_posix()
        files[name] = _file(name, path.read_bytes())
    return files


def _file(name: str, body: bytes) -> WebFile:
    etag = body_etag(body)
    if name.endswith(".html"):
        return WebFile(body, page_headers(etag))
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return WebFile(body, static_headers(media_type, etag, hashed=name.startswith(f"{_HASHED}/")))
