from pathlib import Path

import pytest

from playnet.errors import StartupFailed
from playnet.supervise import engines
from playnet.supervise.engines import check_postmaster, find_postgres


@pytest.fixture(autouse=True)
def _nothing_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_program", lambda name: None)


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    for major in ("9", "15", "17"):
        folder = tmp_path / "lib" / major / "bin"
        folder.mkdir(parents=True)
        for name in ("initdb", "postgres"):
            (folder / name).touch(mode=0o755)
    return tmp_path / "lib"


def test_a_new_cluster_gets_the_newest_release(distribution: Path, tmp_path: Path) -> None:
    assert find_postgres(tmp_path / "none", distribution).folder == distribution / "17" / "bin"


def test_a_cluster_keeps_its_release(distribution: Path, tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("15\n")
    assert find_postgres(tmp_path, distribution).major == "15"


def test_a_cluster_of_a_release_that_is_gone_says_what_to_install(distribution: Path, tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("14\n")
    with pytest.raises(
        StartupFailed, match="made by PostgreSQL 14, and this host has 15, 17, 9: install postgresql-14"
    ):
        find_postgres(tmp_path, distribution)


def test_a_missing_server_names_the_set_up(tmp_path: Path) -> None:
    with pytest.raises(StartupFailed, match="PostgreSQL is not installed: run `make setup`"):
        find_postgres(tmp_path, tmp_path / "empty")


@pytest.mark.parametrize("content", ["1\n/data\n", "4194399\n/data\n", "garbage"], ids=["recycled", "dead", "torn"])
def test_a_pid_file_of_a_power_loss_goes(tmp_path: Path, content: str) -> None:
    (tmp_path / "postmaster.pid").write_text(content)
    check_postmaster(tmp_path)
    assert not (tmp_path / "postmaster.pid").exists()
