"""Which passwords are taken. Pure. NIST SP 800-63B-4 §3.1.1.2: length counts, composition rules don't."""

import unicodedata
from typing import Final

from playnet.errors import InvalidInput

MIN_CHARS: Final = 10
MAX_CHARS: Final = 256
_FEWEST_DIFFERENT: Final = 5


def prepare(password: str) -> bytes:
    """What is hashed: NFC, as NIST asks, so that two keyboards spell it alike."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def check(password: str, *, email: str, name: str) -> None:
    """InvalidInput for a new password that is too short, too long, or said by the account itself."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        raise InvalidInput(
            f"password: expected {MIN_CHARS} to {MAX_CHARS} characters; several words are easy to keep in mind"
        )
    folded = password.casefold()
    local = email.partition("@")[0]
    if len(set(folded)) < _FEWEST_DIFFERENT or folded in {email, local, name.casefold(), local * 2}:
        raise InvalidInput("password: expected something that is not easily guessed from the address or by repetition")
