"""Text that people give to assets: checked and normalised once, stored as plain text, never as markup. Pure."""

import unicodedata

from playnet.errors import InvalidInput

MAX_TITLE_CHARS = 300
MAX_FILE_NAME_CHARS = 255

# Direction overrides and isolates let a title rewrite the text around it (Unicode TR #36 §2.10).
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_title(text: str) -> str:
    """A title: 1 to 300 characters. InvalidInput names the problem."""
    return clean_text(text, "title", MAX_TITLE_CHARS)


def clean_text(text: str, what: str, most: int) -> str:
    """NFC, trimmed, 1 to `most` characters, no control characters. InvalidInput names the problem."""
    clean = unicodedata.normalize("NFC", text).strip()
    refuse_controls(clean, what)
    if not 1 <= len(clean) <= most:
        raise InvalidInput(f"{what}: expected 1 to {most} characters, got {len(clean)}")
    return clean


def refuse_controls(text: str, what: str) -> None:
    """InvalidInput for characters that steer instead of being shown."""
    if any(_is_control(char) for char in text):
        raise InvalidInput(f"{what}: expected no control characters")


def clean_file_name(text: str | None) -> str | None:
    """A name that is only ever shown: last path part, unprintable characters dropped, cut to 255. None when empty."""
    if text is None:
        return None
    last = text.replace("\\", "/").rpartition("/")[2]
    shown = "".join(char for char in unicodedata.normalize("NFC", last) if not _is_control(char)).strip()
    return shown[:MAX_FILE_NAME_CHARS] or None


def _is_control(char: str) -> bool:
    # Cc control, Cs lone surrogate (not encodable), Zl/Zp line and paragraph separators
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in _DIRECTION
