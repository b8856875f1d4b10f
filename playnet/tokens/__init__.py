"""Playback tokens: who may play what, until when, said in the URL and signed with a key that every node has.

    grammar     how a token is written, and what it claims
    keys        the key set: several at once, the first signs
    network     a viewer's address and the network that a token is bound to
    revocation  what is refused before it expires, and the files by which nodes remember it
    verdict     mint and judge

All of it is pure. `edge/njs/tokens.js` judges by the same rules inside nginx; the vectors of tests/unit/tokens hold the
two together.
"""

from .grammar import Claims
from .keys import KeySet
from .revocation import Revocation
from .verdict import WORDS, Granted, Reason, Refused, Rules, Use, Verdict, judge, mint

__all__ = [
    "WORDS", "Claims", "Granted", "KeySet", "Reason", "Refused", "Revocation", "Rules", "Use", "Verdict", "judge", "mint",
]  # fmt: skip
