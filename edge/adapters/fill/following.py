"""What those get who joined an exchange that brought nothing to share: docs/decisions/followers.md."""

from contextlib import aclosing

from edge.adapters.upstream.upstream import Ask, Reply, UpstreamFailed
from playnet.http.vary import suits

from .fill import Copied, Head, Mismatch, Private


async def copied(reply: Reply) -> Copied:
    """A small answer, read to its end. Raises what the upstream raises."""
    try:
        async with aclosing(reply.chunks()) as chunks:
            return Copied(reply.exchange, b"".join([chunk async for chunk in chunks]))
    finally:
        reply.close()


def for_follower(head: Head, ask: Ask) -> Head:
    """What somebody gets who joined. An error is one for all: nobody asks a broken origin again. Raises Mismatch too."""
    match head:
        case Copied() if head.is_shared:
            return head
        case Copied(exchange):
            raise UpstreamFailed("the origin answered with an error", cause=str(exchange.status))
        case Private(_, status) if status >= 500:
            raise UpstreamFailed("the origin answered with an error", cause=str(status))
        case Private(_, status):
            return Private(None, status)
        case _:
            if not suits(head.entry.selector, ask.fields):
                raise Mismatch
            return head
