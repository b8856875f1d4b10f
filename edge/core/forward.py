"""The fields of a request to an origin, made from those of a viewer's.

What is not part of the cache key must not steer a shared answer: fields that frameworks obey in place of the URL, the
host or the method are dropped, and the Host is the origin's own.
"""

import re
from typing import Final

from playnet.http.fields import Fields
from playnet.http.vary import Selector
from playnet.names import CONNECTION_FIELD

_CONDITIONS: Final = frozenset(
    {"range", "if-range", "if-none-match", "if-modified-since", "if-match", "if-unmodified-since"}
)
_OURS: Final = frozenset({"host", "content-length", "expect", "accept-encoding", "via", "cdn-loop", "x-request-id"})
_ADVICE: Final = frozenset(
    {"cache-control", "pragma"}
)  # viewers don't steer a shared cache (RFC 9111 §5.2.1: advisory)
_OVERRIDES: Final = frozenset({"forwarded", "proxy"})
_OVERRIDE_PREFIXES: Final = (
    "x-forwarded", "x-original", "x-http-", "x-rewrite", "x-override", "x-script-", "x-middleware-", "x-nextjs-", "x-sendfile",
    "x-accel-", "x-playnet-", "playnet-",
)  # fmt: skip
# What a field says is in its last word. No field that browsers or players send ends in one of these.
_OVERRIDE_WORDS: Final = frozenset(
    {
        "host", "server", "ip", "addr", "address", "port", "proto", "protocol", "scheme", "https", "ssl", "url", "uri", "path",
        "override",
    }
)  # fmt: skip
_TOKEN: Final = re.compile(r"/t/[^/?#]+")


def is_override(name: str) -> bool:
    """Whether frameworks may obey this field in place of the connection, the URL, the host or the method."""
    return name in _OVERRIDES or name.startswith(_OVERRIDE_PREFIXES) or name.rpartition("-")[2] in _OVERRIDE_WORDS


def forwarded(request: Fields, *, node: str, request_id: str, conditions: bool) -> Fields:
    """What an origin is asked with, without Host. `conditions`: Range and preconditions are the viewer's own.

    A fill asks for the whole representation unencoded, so that one answer suits every viewer.
    """
    dropped = _OURS | _ADVICE | (frozenset() if conditions else _CONDITIONS) | set(request.members(CONNECTION_FIELD))
    rest = tuple(pair for pair in request.end_to_end().without(dropped) if not is_override(pair[0]))
    return Fields(tuple((name, _masked(value) if name == "referer" else value) for name, value in rest)).plus(
        ("accept-encoding", "identity"),
        ("x-request-id", request_id),
        ("via", ", ".join((*request.all("via"), via(node)))),  # RFC 9110 §7.6.3
        ("cdn-loop", ", ".join((*request.all("cdn-loop"), node))),
    )


def _masked(referer: str) -> str:
    """Without the playback token of the page that the viewer comes from."""
    return _TOKEN.sub("/t/-", referer)


def nobody(selector: Selector) -> Fields:
    """What the node asks with on its own behalf to get a variant again: nothing of any viewer but what selects it."""
    return Fields(tuple((name, value) for name, value in selector if value is not None and name not in _OURS))


def via(node: str) -> str:
    """This node's member of Via."""
    return f"1.1 {node}"


def is_looping(request: Fields, node: str) -> bool:
    """Whether the request has been at this node before. RFC 8586 §2."""
    return any(member.partition(";")[0].strip() == node for member in request.members("cdn-loop"))
