"""E-mail addresses as names of accounts: one spelling for each. Pure.

Not the whole of RFC 5321: quoted local parts, address literals and comments are no names for people. The local part
is lower-cased although RFC 5321 §2.4 lets a host tell cases apart: none in use does, and two accounts that differ in
case only would be a trap.
"""

import re
import unicodedata
from typing import Final

from playnet.errors import InvalidInput

MAX_EMAIL: Final = 254
_EMAIL = re.compile(
    r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?"
)


def normalise(text: str) -> str:
    """The one spelling. InvalidInput for what is no address."""
    email = unicodedata.normalize("NFKC", text[: 4 * MAX_EMAIL]).strip().casefold()
    if len(email) > MAX_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise InvalidInput("email: expected an address like name@example.org")
    return email


def domain(email: str) -> str:
    """What stands behind the @."""
    return email.rpartition("@")[2]
