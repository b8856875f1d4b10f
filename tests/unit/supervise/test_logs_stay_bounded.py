import errno
from pathlib import Path

import pytest

from playnet.supervise import process
from playnet.supervise.process import bound_log, described, tail
from playnet.supervise.state import StateFile, read


def test_a_log_above_the_limit_moves_aside_and_its_writer_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_LOG_LIMIT_BYTES", 10)
    log = tmp_path / "origin.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"first line\nsecond\n")
        bound_log(log)
        writer.write(b"third\n")
    assert log.read_bytes() == b"third\n"
    assert (tmp_path / "origin.log.1").read_bytes() == b"first line\nsecond\n"


def test_a_small_or_absent_log_is_left_alone(tmp_path: Path) -> None:
    bound_log(tmp_path / "none.log")
    (tmp_path / "a.log").write_text("x\n")
    bound_log(tmp_path / "a.log")
    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


@pytest.mark.parametrize(
    ("start", "lines"),
    [(0, ["4", "5", "6", "7", "8", "9"]), (16, ["8", "9"]), (9999, ["4", "5", "6", "7", "8", "9"])],
    ids=["last few", "of this start", "log was moved aside"],
)
def test_tail(tmp_path: Path, start: int, lines: list[str]) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"{n}\n" for n in range(10)))
    assert tail(log, start).splitlines() == lines


@pytest.mark.parametrize(("code", "words"), [(3, "exit code 3"), (-9, "ended by SIGKILL"), (-99, "ended by signal 99")])
def test_exit_codes_in_words(code: int, words: str) -> None:
    assert described(code) == words


def test_on_a_full_disk_the_log_makes_room_and_the_status_stays_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(process, "_LOG_LIMIT_BYTES", 10)
    monkeypatch.setattr(process.shutil, "copyfile", no_space)
    log = tmp_path / "origin.log"
    log.write_text("more than ten bytes\n")
    bound_log(log)
    assert log.read_text() == ""
    monkeypatch.setattr(Path, "write_text", no_space)
    StateFile(tmp_path, "http://127.0.0.1:8080").write([])
    assert read(tmp_path) is None
