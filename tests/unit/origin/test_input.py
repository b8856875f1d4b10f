"""What people and programs send: titles, file names, cursors, digests."""

import base64
import hashlib
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.core.digests import wanted_sha256
from origin.core.paging import Cursor, read_cursor, write_cursor
from origin.core.titles import clean_file_name, clean_title
from playnet.errors import InvalidInput
from playnet.names import ASSET_ID_ALPHABET, AssetId


@pytest.mark.parametrize(
    ("given_title", "expected"),
    [
        ("  A film ", "A film"),
        ("e\u0301tude", "étude"),
        ("<b>bold</b> & 'quoted'", "<b>bold</b> & 'quoted'"),
        ("שלום مرحبا", "שלום مرحبا"),
        ("👩‍👩‍👧 family", "👩‍👩‍👧 family"),
        ("x" * 300, "x" * 300),
        ("", None),
        (" \u3000 ", None),
        ("x" * 301, None),
        ("a\0b", None),
        ("a\nb", None),
        ("a\u2028b", None),
        ("a\u202egnp.exe", None),
        ("a\ud800", None),
    ],
)
def test_titles(given_title: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(InvalidInput, match="title"):
            clean_title(given_title)
    else:
        assert clean_title(given_title) == expected


@given(st.text(max_size=400))
def test_a_clean_title_is_stored_and_shown_as_it_is(text: str) -> None:
    try:
        title = clean_title(text)
    except InvalidInput:
        return
    assert title == clean_title(title) == unicodedata.normalize("NFC", title)
    assert "\0" not in title
    title.encode()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clip.mp4", "clip.mp4"),
        ("/home/me/clip.mp4", "clip.mp4"),
        ("C:\\Videos\\clip.mp4", "clip.mp4"),
        ("../../etc/passwd", "passwd"),
        ("a\0\n.mp4", "a.mp4"),
        ("x" * 300, "x" * 255),
        ("", None),
        ("/", None),
        (None, None),
    ],
)
def test_file_names_are_only_shown(name: str | None, expected: str | None) -> None:
    assert clean_file_name(name) == expected


_cursors = st.builds(
    Cursor,
    st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC)),
    st.text(ASSET_ID_ALPHABET, min_size=12, max_size=12).map(AssetId),
)


@given(_cursors)
def test_a_cursor_comes_back_as_it_was(cursor: Cursor) -> None:
    assert read_cursor(write_cursor(cursor)) == cursor


@given(st.text(max_size=120) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_anything_else_is_no_cursor(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_cursor(text)


def test_a_cursor_far_in_the_future_is_refused() -> None:
    forged = base64.urlsafe_b64encode(b"9" * 30 + b".aaaaaaaaaaaa").decode()
    with pytest.raises(InvalidInput):
        read_cursor(forged)
    last = Cursor(datetime(9999, 1, 1, tzinfo=UTC) - timedelta(microseconds=1), AssetId("a" * 12))
    assert read_cursor(write_cursor(last)) == last


_SUM = hashlib.sha256(b"x").hexdigest()
_FIELD = f"sha-256=:{base64.b64encode(bytes.fromhex(_SUM)).decode()}:"
_OTHER = f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((None, None), None),
        ((_FIELD, None), _SUM),
        ((_FIELD, _FIELD), _SUM),
        ((f"sha-512=:AAAA:, {_FIELD}", None), _SUM),
        (("sha-512=:AAAA:", None), None),
        ((_FIELD, _OTHER), "different"),
        ((f"{_FIELD}, {_OTHER}", None), "different"),
        (("sha-256=:AAAA:", None), "3 bytes"),
        (("sha-256=:A:", None), "base64"),
        (("sha-256=abcd", None), "expected a digest"),
        (("", "nonsense"), "expected a digest"),
    ],
)
def test_digest_fields(fields: tuple[str | None, str | None], expected: str | None) -> None:
    if expected not in (None, _SUM):
        with pytest.raises(InvalidInput, match=expected):
            wanted_sha256(*fields)
    else:
        assert wanted_sha256(*fields) == expected
