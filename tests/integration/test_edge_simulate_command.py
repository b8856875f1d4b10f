"""`playnet cache simulate` as it is installed: another process of the same Python."""

import json
import subprocess
import sys
from pathlib import Path


def _simulate(*args: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "playnet.cli", "cache", "simulate", *args]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def test_arguments_and_exit_codes_pass_through(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("1,/a,1\n2,/a,1\n3,/b,1\n")
    done = _simulate("--trace", str(trace), "--size", "100%", "--policy", "lru,gdsf", "--json")
    assert done.returncode == 0, done.stderr
    assert [run["misses"] for run in json.loads(done.stdout)["runs"]] == [2, 2]
    trace.write_text("1,/a,1\n2,/a\n")
    broken = _simulate("--trace", str(trace), "--size", "1B")
    assert (broken.returncode, broken.stdout) == (2, "")
    assert (
        broken.stderr
        == f"playnet: {trace}: offset 7: expected TIME,KEY,SIZE with a size in whole bytes, found '2,/a'\n"
    )
    assert _simulate("--size", "1B").returncode == 2
    assert "--policy P[,P...]" in _simulate("--help").stdout
