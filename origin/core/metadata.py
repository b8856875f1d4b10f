"""What publishers say about an asset: cleaned once, stored as plain text, never as markup. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from playnet.errors import InvalidInput

from .titles import clean_text, refuse_controls
from .visibility import Visibility

MAX_DESCRIPTION_CHARS: Final = 5000
MAX_TAGS: Final = 30
MAX_LABEL_CHARS: Final = 50

# RFC 5646 §2.1, without extensions and private use: language, script, region, variants.
_LANGUAGE = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3})){0,3})",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """All that can be edited, as it is stored."""

    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    category: str | None = None
    language: str | None = None
    visibility: Visibility = "public"
    publish_at: datetime | None = None


def clean_description(text: str) -> str:
    """At most 5,000 characters; of control characters only line ends and tabs. InvalidInput."""
    lines = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    refuse_controls(lines.replace("\n", " ").replace("\t", " "), "description")
    if len(lines) > MAX_DESCRIPTION_CHARS:
        raise InvalidInput(f"description: expected at most {MAX_DESCRIPTION_CHARS} characters, got {len(lines)}")
    return lines


def clean_label(text: str, what: str) -> str:
    """A tag or a category: one spelling for all that look the same (Unicode default caseless matching, single spaces)."""
    folded = " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold()).split(" "))
    return " ".join(clean_text(folded, what, MAX_LABEL_CHARS).split())


def clean_tags(texts: Sequence[str]) -> tuple[str, ...]:
    """At most thirty different ones, in the order given. InvalidInput."""
    tags = tuple(dict.fromkeys(clean_label(text, "tags") for text in texts))
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"tags: expected at most {MAX_TAGS}, got {len(tags)}")
    return tags


def clean_language(text: str) -> str:
    """A BCP 47 tag in its usual letter case (RFC 5646 §2.1.1). InvalidInput."""
    match = _LANGUAGE.fullmatch(text.strip())
    if match is None:
        raise InvalidInput("language: expected a BCP 47 tag such as `en`, `pt-BR` or `zh-Hant`")
    script, region = match["script"] or "", match["region"] or ""
    parts = [match["language"].lower(), script.capitalize(), region.upper(), *match["variants"].lower().split("-")]
    return "-".join(part for part in parts if part)


def label_of(kind: str, value: str) -> str:
    """A list of the public catalogue, as `asset_label` spells it. InvalidInput for values that nothing can have."""
    match kind:
        case "tag" | "category":
            return f"{kind}:{clean_label(value, kind)}"
        case "language":
            return f"language:{clean_language(value).partition('-')[0]}"
        case _:
            return f"{kind}:{clean_text(value, kind, MAX_LABEL_CHARS)}"
