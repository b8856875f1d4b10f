"""Statements and migration plans, without a database."""

from pathlib import Path

import pytest

from playnet.db.migrate import Migration, pending, read_migrations
from playnet.db.statements import Statements
from playnet.errors import StartupFailed


def test_statements_are_named_by_their_files(tmp_path: Path) -> None:
    (tmp_path / "show.sql").write_text("-- Show it. $1 id.\nselect $1")
    statements = Statements(tmp_path)
    assert list(statements) == ["show"]
    assert statements["show"].endswith("select $1")
    with pytest.raises(KeyError, match=r"hide\.sql is not in"):
        statements["hide"]


def test_a_statement_without_its_purpose_is_refused(tmp_path: Path) -> None:
    (tmp_path / "show.sql").write_text("select 1")
    with pytest.raises(ValueError, match="does not start with a comment"):
        Statements(tmp_path)


_ONE, _TWO = Migration(1, "0001_a", "create table a ()"), Migration(2, "0002_b", "create table b ()")


@pytest.mark.parametrize(
    ("applied", "expected"),
    [
        ((), (_ONE, _TWO)),
        ((_ONE,), (_TWO,)),
        ((_ONE, _TWO), ()),
        ((_TWO,), (_ONE,)),
        ((Migration(1, "0001_a", "other"),), "0001_a was changed after"),
        ((_ONE, _TWO, Migration(3, "0003_c", "")), "it has migration 0003_c, this version ends at 0002_b"),
    ],
    ids=["empty", "half", "all", "hole", "changed", "newer"],
)
def test_pending(applied: tuple[Migration, ...], expected: tuple[Migration, ...] | str) -> None:
    sums = {migration.number: migration.sha256 for migration in applied}
    names = {migration.number: migration.name for migration in applied}
    if isinstance(expected, str):
        with pytest.raises(StartupFailed, match=expected):
            pending((_ONE, _TWO), sums, names)
    else:
        assert pending((_ONE, _TWO), sums, names) == expected


@pytest.mark.parametrize("names", [["0001_a", "0001_b"], ["0001_a", "1_b"], ["0001_A"]])
def test_badly_numbered_files_are_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / f"{name}.sql").write_text("select 1")
    with pytest.raises(StartupFailed):
        read_migrations(tmp_path)
