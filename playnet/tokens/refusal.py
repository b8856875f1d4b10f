"""What viewers hear when a token does not do: 403, with a code by which a player knows whether a new token would help.

`token-expired` and `token-client` (the viewer's address has changed) ask for a new one, and so does `token-refused`, once:
a key may have gone out of use. `token-revoked` and `token-needed` are for people.
"""

from typing import Final

from playnet.errors import Forbidden

from .verdict import WORDS, Reason


class PlaybackRefused(Forbidden):
    """The token is none, or not for this."""

    code = "token-refused"
    title = "This token does not allow that"


class TokenNeeded(PlaybackRefused):
    """A private object was asked for without a token."""

    code = "token-needed"
    title = "This needs a playback token"


class TokenExpired(PlaybackRefused):
    """Its time is over."""

    code = "token-expired"
    title = "The playback token has expired"


class TokenElsewhere(PlaybackRefused):
    """It was made for another network."""

    code = "token-client"
    title = "The playback token belongs to another network"


class TokenRevoked(PlaybackRefused):
    """It was revoked."""

    code = "token-revoked"
    title = "The playback token was revoked"


_KINDS: Final[dict[Reason, type[PlaybackRefused]]] = {
    "expired": TokenExpired,
    "client": TokenElsewhere,
    "revoked": TokenRevoked,
}


def kind_of(reason: Reason) -> type[PlaybackRefused]:
    """The error of a reason: its code and title."""
    return _KINDS.get(reason, PlaybackRefused)


def refusal(reason: Reason) -> PlaybackRefused:
    """The error to raise."""
    return kind_of(reason)(WORDS[reason])
