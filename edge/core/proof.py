"""How a node of the fleet proves to another that it is one: a MAC over what is asked, by whom, of whom, until when. Pure.

Only who proves itself is told what viewers must not see (surrogate keys, private objects). The MAC covers the request
target and the receiver, so that a proof seen on the wire is good for nothing but the same question within its half minute.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final, Literal, cast

LIFETIME_S: Final = 30
_SKEW_S: Final = 60  # between the clocks of two hosts, either way
MIN_KEY_BYTES: Final = 16

Purpose = Literal["fill", "hint"]
_PROOF: Final = re.compile(r"v1;([a-z0-9-]{1,32});(fill|hint);(\d{1,12});([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Proven:
    """Who asks, and what for: `fill` an object, or `hint` that it will be wanted soon."""

    sender: str
    purpose: Purpose


class Prover:
    """Makes and checks proofs with the fleet's key, for the node called `me`."""

    def __init__(self, me: str, key: bytes) -> None:
        """ValueError for a key that could be guessed."""
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"expected at least {MIN_KEY_BYTES} bytes")
        self._me = me
        self._key = hashlib.blake2b(key, digest_size=32, person=b"playnet-peer").digest()

    def proof(self, receiver: str, purpose: Purpose, target: str, *, now: float) -> str:
        """The value of PEER_FIELD for one GET. `target`: path and query as sent."""
        until = int(now) + LIFETIME_S
        return f"v1;{self._me};{purpose};{until};{self._mac(self._me, receiver, purpose, until, target)}"

    def proven(self, value: str | None, target: str, *, now: float) -> Proven | None:
        """Who sent this request to us; None for a stranger, whatever is wrong with the proof."""
        match = _PROOF.fullmatch(value) if value is not None else None
        if match is None:
            return None
        sender, purpose, until, mac = match[1], cast(Purpose, match[2]), int(match[3]), match[4]
        if not now - _SKEW_S <= until <= now + LIFETIME_S + _SKEW_S:
            return None
        expected = self._mac(sender, self._me, purpose, until, target)
        return Proven(sender, purpose) if hmac.compare_digest(expected, mac) else None

    def _mac(self, sender: str, receiver: str, purpose: str, until: int, target: str) -> str:
        said = "\n".join(("v1", sender, receiver, purpose, str(until), target))
        return hmac.new(self._key, said.encode("latin-1", "replace"), hashlib.sha256).hexdigest()
