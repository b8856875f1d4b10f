"""What is refused before it expires: tokens of a subject, a session or a key, or for a path, issued at or before a moment.

A node remembers revocations as files whose mtime is that moment, so that nginx needs one `stat` per request to learn
that nothing was revoked since a token was issued, and a few more only when something was:

    newest             the youngest of all
    all                everything: revocations were missed
    key-KID  subject-U  session-S
    prefix-|v|abc|     a path and all below it, its slashes written as bars
"""

from collections.abc import Callable, Iterator
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .grammar import KID, NAME, Claims, is_path

Kind = Literal["subject", "session", "prefix", "key"]
RevokedAt = Callable[[str], int | None]
"""The moment that stands under a name, None when nothing does."""

NEWEST: Final = "newest"
ALL: Final = "all"
MAX_PREFIX: Final = 200  # with `prefix-` a name stays below NAME_MAX
MAX_DEPTH: Final = 16  # folders of a path that are looked at: no deeper prefix can be revoked


class Revocation(BaseModel):
    """One order. `at`: Unix seconds; tokens issued until then are refused, later ones are not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    value: str = Field(min_length=1, max_length=MAX_PREFIX)
    at: int = Field(gt=0, lt=10**12)

    @model_validator(mode="after")
    def _names_something(self) -> "Revocation":
        if problem := problem_of(self.kind, self.value):
            raise ValueError(problem)
        return self

    @property
    def name(self) -> str:
        """Its file."""
        if self.kind != "prefix":
            return f"{self.kind}-{self.value}"
        return _of_prefix(self.value if self.value.endswith("/") else f"{self.value}/")


def problem_of(kind: Kind, value: str) -> str | None:
    """Why nothing of this kind can have this value, for people; None when it can."""
    if kind == "prefix":
        if is_path(value) and value.count("/") <= MAX_DEPTH and len(value) <= MAX_PREFIX:
            return None
        return f"expected a path such as /v/ASSET/, at most {MAX_DEPTH} folders and {MAX_PREFIX} characters"
    pattern = KID if kind == "key" else NAME
    return None if pattern.fullmatch(value) else f"expected a {kind} of letters, digits and ._~:@-"


def is_revoked(kid: str, claims: Claims, path: str, revoked_at: RevokedAt) -> bool:
    """Whether something that was revoked concerns this token and path."""
    newest = revoked_at(NEWEST)
    if newest is None or newest < claims.issued_s:
        return False
    return any(at is not None and at >= claims.issued_s for at in map(revoked_at, _names(kid, claims, path)))


def _names(kid: str, claims: Claims, path: str) -> Iterator[str]:
    yield ALL
    yield f"key-{kid}"
    if claims.session is not None:
        yield f"session-{claims.session}"
    if claims.subject is not None:
        yield f"subject-{claims.subject}"
    end = 0
    for _ in range(MAX_DEPTH):
        end = path.find("/", end) + 1
        if end == 0 or end > MAX_PREFIX:
            break
        yield _of_prefix(path[:end])
    else:
        return
    if len(path) < MAX_PREFIX:
        yield _of_prefix(f"{path}/")


def _of_prefix(folder: str) -> str:
    return "prefix-" + folder.replace("/", "|")
