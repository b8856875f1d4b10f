"""What publishers say about assets, who may see and change them, and what an edit has to name: pure rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.core.accounts.callers import ANONYMOUS, AUTOMATION, AccountId, Caller, Means
from origin.core.accounts.roles import Permission, Role, permissions_of, token_permissions
from origin.core.entity_tags import version_tag, wanted_version
from origin.core.forms import AssetEdit, NewAsset
from origin.core.idempotency import read_attempt
from origin.core.metadata import Metadata, clean_description, clean_label, clean_language, clean_tags, label_of
from origin.core.visibility import Standing, Visibility, is_sealed, may_edit, may_see
from playnet.errors import InvalidInput, PreconditionRequired

_NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
_LATER = _NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("  a\r\nb\rc\td ", "a\nb\nc\td", id="line-ends-and-tabs"),
        pytest.param("e\u0301", "é", id="nfc"),
        pytest.param("<script>x</script>", "<script>x</script>", id="markup-is-text"),
        pytest.param("   ", "", id="nothing"),
        pytest.param("x" * 5000, "x" * 5000, id="longest"),
    ],
)
def test_descriptions_are_kept_as_text(text: str, expected: str) -> None:
    assert clean_description(text) == expected


@pytest.mark.parametrize("text", ["a\0b", "a\u202eb", "\ud800", "a\u2028b", "x" * 5001, "a\x1b[2Jb"])
def test_descriptions_that_steer_or_flood_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="description"):
        clean_description(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(" Science   Fiction ", "science fiction", id="spaces"),
        pytest.param("STRASSE", "strasse", id="case"),
        pytest.param("Straße", "strasse", id="case-folding"),
        pytest.param("ｆｕｌｌ", "full", id="compatibility"),
        pytest.param("日本", "日本", id="no-case"),
    ],
)
def test_labels_have_one_spelling(text: str, expected: str) -> None:
    assert clean_label(text, "tag") == expected


@given(st.text(max_size=60))
def test_a_clean_label_stays_as_it_is(text: str) -> None:
    try:
        label = clean_label(text, "tag")
    except InvalidInput:
        return
    assert clean_label(label, "tag") == label


def test_tags_are_distinct_and_bounded() -> None:
    assert clean_tags(["B", "a", "b"]) == ("b", "a")
    with pytest.raises(InvalidInput, match="at most 30"):
        clean_tags([str(number) for number in range(31)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EN", "en"),
        ("pt-br", "pt-BR"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("de-ch-1996", "de-CH-1996"),
    ],
)
def test_languages_have_their_usual_case(text: str, expected: str) -> None:
    assert clean_language(text) == expected


@pytest.mark.parametrize("text", ["", "e", "english", "en_US", "en-", "en\0", "en-x-private", "ĸĸ"])
def test_what_is_no_language_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="BCP 47"):
        clean_language(text)


def test_lists_are_named_by_what_is_stored() -> None:
    assert label_of("tag", " Sci-Fi ") == "tag:sci-fi"
    assert label_of("language", "PT-br") == "language:pt"


_OWNER, _OTHER = AccountId("o" * 12), AccountId("p" * 12)
_CALLERS = {
    "nobody": ANONYMOUS,
    "automation": AUTOMATION,
    "owner": Caller(means=Means.SESSION, name="o", permissions=permissions_of([Role.PUBLISHER]), account=_OWNER),
    "owner-no-publisher-any-more": Caller(means=Means.SESSION, name="o", permissions=permissions_of([]), account=_OWNER),
    "owner-token-to-watch": Caller(
        means=Means.API_TOKEN, name="o", permissions=token_permissions([Role.PUBLISHER], [Permission.WATCH]), account=_OWNER
    ),
    "other-publisher": Caller(means=Means.SESSION, name="p", permissions=permissions_of([Role.PUBLISHER]), account=_OTHER),
    "operator": Caller(means=Means.SESSION, name="p", permissions=permissions_of([Role.OPERATOR]), account=_OTHER),
    "admin": Caller(means=Means.SESSION, name="p", permissions=permissions_of([Role.ADMIN]), account=_OTHER),
    "admin-token-to-publish": Caller(
        means=Means.API_TOKEN, name="p", permissions=token_permissions([Role.ADMIN], [Permission.PUBLISH]), account=_OTHER
    ),
}  # fmt: skip
_EDITORS = {"automation", "owner", "admin"}


@pytest.mark.parametrize("visibility", ["public", "unlisted", "private", "scheduled"])
@pytest.mark.parametrize("name", _CALLERS)
def test_who_sees_and_who_edits(visibility: Visibility, name: str) -> None:
    standing = Standing(visibility, _OWNER)
    assert may_edit(standing, _CALLERS[name]) == (name in _EDITORS)
    assert may_see(standing, _CALLERS[name]) == (visibility in {"public", "unlisted"} or name in _EDITORS)
    assert is_sealed(visibility) == (visibility in {"private", "scheduled"})


def test_what_automation_made_belongs_to_nobody() -> None:
    assert not may_edit(Standing("public", None), ANONYMOUS)
    assert not may_edit(Standing("public", None), _CALLERS["owner"])


_BEFORE = Metadata(title="t", tags=("a",), category="film", visibility="private")
_SCHEDULED = Metadata(title="t", visibility="scheduled", publish_at=_LATER)


@pytest.mark.parametrize(
    ("before", "edit", "expected"),
    [
        pytest.param(_BEFORE, {}, {}, id="nothing"),
        pytest.param(_BEFORE, {"title": " new "}, {"title": "new"}, id="one"),
        pytest.param(_BEFORE, {"category": None, "tags": None}, {"category": None, "tags": ()}, id="null-empties"),
        pytest.param(_BEFORE, {"visibility": "public"}, {"visibility": "public", "publish_at": _NOW}, id="newly-public"),
        pytest.param(
            _BEFORE, {"visibility": "scheduled", "publish_at": _LATER.isoformat()},
            {"visibility": "scheduled", "publish_at": _LATER}, id="scheduled",
        ),
        pytest.param(_SCHEDULED, {"visibility": "scheduled"}, {}, id="keeps-its-moment"),
        pytest.param(_SCHEDULED, {"visibility": "private"}, {"visibility": "private", "publish_at": None}, id="not-now"),
    ],
)  # fmt: skip
def test_an_edit_changes_what_it_names(before: Metadata, edit: dict[str, Any], expected: dict[str, Any]) -> None:
    after = AssetEdit.model_validate(edit).applied(before, _NOW)
    changed = {
        name: getattr(after, name) for name in Metadata.__slots__ if getattr(after, name) != getattr(before, name)
    }
    assert changed == expected


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"title": None}, "title"),
        ({"visibility": "scheduled"}, "publish_at"),
        ({"publish_at": "2026-06-01T00:00:00Z"}, "publish_at"),
        ({"visibility": "scheduled", "publish_at": "2026-05-01T11:59:59Z"}, "publish_at"),
        ({"visibility": "scheduled", "publish_at": "2026-06-01T00:00:00"}, "time zone"),
        ({"visibility": "scheduled", "publish_at": "9999-06-01T00:00:00Z"}, "publish_at"),
    ],
)
def test_edits_that_make_no_sense_name_the_field(edit: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        AssetEdit.model_validate(edit).applied(_BEFORE, _NOW)


def test_a_new_public_asset_stands_in_lists_by_its_creation() -> None:
    assert NewAsset(title="t").metadata(_NOW).publish_at is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [("*", None), ('"7"', 7), ('"3", "7"', 7), ('W/"7"', 0), ("7", 0), ('"x"', 0), ("", 0), ('"' + "9" * 30 + '"', 0), ('"٣"', 0)],
)  # fmt: skip
def test_what_if_match_names(header: str, expected: int | None) -> None:
    assert wanted_version(header) == expected


def test_an_edit_without_if_match_is_told_so() -> None:
    with pytest.raises(PreconditionRequired, match="If-Match"):
        wanted_version(None)
    assert wanted_version(version_tag(12)) == 12


def test_an_idempotency_key_is_the_callers_own() -> None:
    asked = {"title": "x"}
    mine, theirs = (read_attempt('"k-1"', _CALLERS[name], asked) for name in ("owner", "admin"))
    assert mine is not None
    assert theirs is not None
    assert (mine.key, mine.fingerprint) == ("k-1", theirs.fingerprint)
    assert mine.actor != theirs.actor
    assert read_attempt(None, AUTOMATION, asked) is None
    for wrong in ("", '""', "x" * 256, "a\tb", "é"):
        with pytest.raises(InvalidInput):
            read_attempt(wrong, AUTOMATION, asked)
