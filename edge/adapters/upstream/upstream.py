"""Asking upstreams: nodes of the fleet, then origins, until one answers. What to do after a failure is decided in edge/core/retry.py."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import aiohttp

from edge.adapters.metrics import Metrics
from edge.core.entry import Exchange
from edge.core.health import Health
from edge.core.invalidation import SAFE
from edge.core.key import Key
from edge.core.parents import Fleet, Origin, Parent, Peer, passed, spread
from edge.core.peering import Position, heard
from edge.core.proof import Prover
from edge.core.resume import Rest
from edge.core.retry import PASSED_OVER, Broke, Step, Unusable, after
from playnet.errors import PlayNetError, Unavailable
from playnet.http.fields import Fields
from playnet.logs import logger
from playnet.names import FAILOVER_HEADER, PEER_FIELD

from .pool import Deadlines, Failed, Pool, Sending, UpstreamFailed, UpstreamSlow
from .reply import Reply

__all__ = ["Ask", "Looping", "Membership", "NotStored", "Reply", "Upstream", "UpstreamFailed", "UpstreamSlow"]

log = logger(__name__)


class NotStored(Unavailable):
    """The viewer forbade to ask an origin (RFC 9111 §5.2.1.7)."""

    code = "not-stored"
    title = "Only a stored response was wanted"
    http_status = 504


class Looping(PlayNetError):
    """The request came back to a node that it had passed."""

    code = "loop-detected"
    title = "The request goes round in a loop of caches"
    http_status = 508


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to an upstream. `fields` lack Host. `body` is read once; its length, if known, stands in the fields.

    `is_direct`: only origins are asked, because no other node could help.
    """

    method: str
    key: Key
    fields: Fields
    body: AsyncIterator[bytes] | None = None
    is_direct: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """A node's place in a fleet: who else there is, how it proves itself, how far purges came here."""

    fleet: Fleet
    prover: Prover
    position: Position


class Upstream:
    """Made and closed within a running loop. `clock` tells the time of day, `elapsed` only grows."""

    def __init__(
        self, origins: Sequence[str], *, deadlines: Deadlines, metrics: Metrics, clock: Callable[[], float],
        membership: Membership | None = None, elapsed: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._origins = [origin.rstrip("/") for origin in origins]
        self._deadlines, self._metrics, self._clock, self._elapsed = deadlines, metrics, clock, elapsed
        self.membership = membership
        self._health = Health()
        self._pool = Pool(deadlines, metrics, clock)

    async def close(self) -> None:
        """Cut all connections."""
        await self._pool.close()

    async def ask(self, ask: Ask) -> Reply:
        """The first upstream that answers. Raises UpstreamFailed, UpstreamSlow."""
        failure: PlayNetError = UpstreamFailed("no origin is there")
        repeats = 0
        for parent in self._parents(ask):
            try:
                return await self._tried(parent, ask)
            except Failed as exc:
                failure = exc.error
                if after(exc.trouble, parent, ask.method, repeats=repeats) is Step.STOP:
                    raise failure from exc
                repeats += isinstance(exc.trouble, Broke) and isinstance(parent, Origin)
        raise failure

    async def _tried(self, parent: Parent, ask: Ask) -> Reply:
        """Ask one of them, once more where a kept connection had come to its end. Raises Failed."""
        try:
            return await self._asked(parent, ask, is_fresh=False)
        except Failed as exc:
            if after(exc.trouble, parent, ask.method, repeats=0) is not Step.AGAIN:
                self._note(parent, exc)
                raise
        try:
            return await self._asked(parent, ask, is_fresh=True)
        except Failed as exc:
            self._note(parent, exc)
            raise

    async def hint(self, key: Key, fields: Fields) -> bool:
        """Tell the owner of a key that it will be asked for; False when that is this node. Raises UpstreamFailed, UpstreamSlow."""
        ours = self.membership
        owner = ours.fleet.owner(key, down=self._health.down(self._elapsed())) if ours is not None else None
        if ours is None or owner is None:
            return False
        proof = ours.prover.proof(owner.name, "hint", key, now=self._clock())
        sending = Sending("GET", owner.url, key, fields.plus((PEER_FIELD, proof)))
        self._health.tries(owner.name, self._elapsed())
        try:
            response, _ = await self._pool.exchange(sending, head_s=self._deadlines.connect_s)
        except Failed as exc:
            self._note(owner, exc)
            raise exc.error from exc
        self._answered(owner)
        if response.status != 202:
            response.close()
            raise UpstreamFailed(f"node {owner.name} takes no hints")
        response.release()
        return True

    @property
    def first_byte_s(self) -> float:
        """How long upstreams take lately until they answer."""
        return self._pool.first_byte_s

    def _parents(self, ask: Ask) -> tuple[Parent, ...]:
        down = self._health.down(self._elapsed())
        origins = spread(ask.key, self._origins, down=down)
        ours = self.membership
        if ours is None or ask.is_direct or not ours.position.trusts_peers:
            return origins
        return (*ours.fleet.peers(ask.key, passed=passed(ask.fields), down=down), *origins)

    async def _asked(self, parent: Parent, ask: Ask, *, is_fresh: bool) -> Reply:
        """Ask one of them. Raises Failed."""
        self._health.tries(parent.name, self._elapsed())
        if isinstance(parent, Peer):
            response, exchange = await self._ask_peer(parent, ask, is_fresh=is_fresh)
        else:
            sending = Sending(ask.method, parent.url, ask.key, ask.fields, ask.body)
            response, exchange = await self._pool.exchange(sending, head_s=self._head_s, is_fresh=is_fresh)
        self._answered(parent)

        broken = parent

        async def resume(rest: Rest, error: PlayNetError) -> aiohttp.ClientResponse:
            nonlocal broken
            broken, rest_of_it = await self._resumed(ask, rest, broken, error)
            return rest_of_it

        return Reply(ask.method, response, exchange, resume=resume)

    @property
    def _head_s(self) -> float:
        """Until an origin's head: to get a connection, and its longest silence."""
        return self._deadlines.connect_s * 2 + self._deadlines.read_s

    async def _ask_peer(self, peer: Peer, ask: Ask, *, is_fresh: bool) -> tuple[aiohttp.ClientResponse, Exchange]:
        """Raises Failed also for an answer that tells of the peer's own trouble, or that is older than purges were here."""
        assert self.membership is not None
        demanded = self.membership.position.begun
        proof = self.membership.prover.proof(peer.name, "fill", ask.key, now=self._clock())
        fields = ask.fields.plus((PEER_FIELD, proof), (FAILOVER_HEADER.lower(), "1"))
        response, exchange = await self._pool.exchange(
            Sending(ask.method, peer.url, ask.key, fields, ask.body), head_s=self._head_s / 2, is_fresh=is_fresh
        )
        position, exchange = heard(exchange)
        if ask.method not in SAFE:
            return response, exchange
        if exchange.status in PASSED_OVER:
            response.close()
            raise Failed(Unusable(), UpstreamFailed("the node in front of the origin could not help"))
        if position is None or position < demanded:
            response.close()
            why = "does not take us for a node of its fleet" if position is None else "is behind in the purge log"
            raise Failed(Unusable(is_lasting=True), UpstreamFailed(f"node {peer.name} {why}"))
        return response, exchange

    async def _resumed(
        self, ask: Ask, rest: Rest, broken: Parent, error: PlayNetError
    ) -> tuple[Parent, aiohttp.ClientResponse]:
        """The rest of a body, from another origin or, unless it drips, the same. Raises `error` when nobody has it."""
        origins = spread(ask.key, self._origins, down=self._health.down(self._elapsed()) | {broken.name})
        for origin in origins:
            if origin == broken and isinstance(error, UpstreamSlow):
                continue
            sending = Sending("GET", origin.url, ask.key, rest.asked(ask.fields))
            self._health.tries(origin.name, self._elapsed())
            try:
                response, exchange = await self._pool.exchange(sending, head_s=self._head_s, is_fresh=True)
            except Failed as exc:
                self._note(origin, exc)
                continue
            self._answered(origin)
            if rest.is_in(exchange):
                self._metrics.resumes.labels("continued").inc()
                return origin, response
            response.close()
        self._metrics.resumes.labels("given_up").inc()
        raise error

    def _note(self, parent: Parent, failed: Failed) -> None:
        kind = "peer" if isinstance(parent, Peer) else "origin"
        self._metrics.upstream_troubles.labels(kind, type(failed.trouble).__name__.lower()).inc()
        if isinstance(failed.trouble, Unusable) and not failed.trouble.is_lasting:
            self._answered(parent)
        elif self._health.failed(parent.name, self._elapsed()):
            log.warning("upstream.down", parent=parent.name, reason=str(failed))

    def _answered(self, parent: Parent) -> None:
        if self._health.succeeded(parent.name):
            log.info("upstream.up", parent=parent.name)
