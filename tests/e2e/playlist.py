"""Walk everything that an HLS player would fetch, with an independent playlist reader."""

from collections.abc import Iterator
from urllib.parse import urljoin

import m3u8

from tests.e2e.appliance import get


def every_url(multivariant_url: str) -> Iterator[str]:
    """The multivariant playlist, every media playlist, init file and segment."""
    yield multivariant_url
    top = m3u8.loads(get(multivariant_url).body.decode())
    children = {item.uri for item in top.playlists} | {item.uri for item in top.media if item.uri}
    for child in sorted(children):
        url = urljoin(multivariant_url, child)
        yield url
        media = m3u8.loads(get(url).body.decode())
        yield from (urljoin(url, part.uri) for part in media.segment_map)
        yield from (urljoin(url, part.uri) for part in media.segments)
