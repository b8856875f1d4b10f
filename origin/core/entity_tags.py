"""Entity tags of what people edit, and the precondition that each edit has to name. RFC 9110 §13.1.1, RFC 6585 §3. Pure."""

from typing import Final

from playnet.errors import PreconditionRequired

_NO_VERSION: Final = 0  # versions start at 1
_MAX_DIGITS: Final = 9


def version_tag(version: int) -> str:
    """The ETag. It counts edits: progress of an upload does not make an edit outdated."""
    return f'"{version}"'


def wanted_version(if_match: str | None) -> int | None:
    """The version that an edit was made for; None for `*`. PreconditionRequired without the header.

    A list names the newest of its tags. What no tag of ours looks like, weak ones too (§8.8.3.2), matches nothing.
    """
    if if_match is None:
        raise PreconditionRequired(
            "send the `ETag` that you read as `If-Match`, or `If-Match: *` to overwrite whatever is there"
        )
    if if_match.strip() == "*":
        return None
    return max(_version(tag.strip()) for tag in if_match.split(","))


def _version(tag: str) -> int:
    digits = tag[1:-1] if len(tag) > 2 and tag[0] == tag[-1] == '"' else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else _NO_VERSION
