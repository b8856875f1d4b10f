"""`playnet cache simulate`: readers of traces, sizes, results worked out by hand, and what it says of broken input."""

import json
import lzma
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.adapters.traces import Format, Trace, guessed_format
from edge.core.simulation import Footprint, footprint
from edge.simulate import main, parse_quota
from playnet.errors import ConfigError

_CSV = b"time,key,size\n1,/a,10\n2,/b,30\n3,/a,10\n4,/c,10\n5,/b,30\n6,/a,10\n"
_ORACLE = b"".join(
    struct.pack("<IQIq", time, key, 5, following) for time, key, following in [(1, 7, 3), (2, 1 << 63, -1)]
)
_WEB12 = struct.pack(">4I", 1, 2, 1, 0xFFFFFFFF)

Saved = Callable[[str, bytes], Path]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    def save(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return save


@pytest.mark.parametrize(
    ("name", "data", "uses"),
    [
        pytest.param("t.csv", b"time,key,size\n1,/a,10\n2,/b,3", [("/a", 10), ("/b", 3)], id="csv-with-heading"),
        pytest.param("t.csv", b"1.5,/a,10\r\n\r\n2e3, /b ,0", [("/a", 10), ("/b", 0)], id="csv-with-blanks"),
        pytest.param("t.csv", b'1,/a?x=1,2,10\n2,"/b""c",3\n', [("/a?x=1,2", 10), ('/b"c', 3)], id="csv-with-commas"),
        pytest.param("t.csv.xz", lzma.compress(b"1,/a,10\n"), [("/a", 10)], id="csv-compressed"),
        pytest.param("t.oracleGeneral", _ORACLE, [("7", 5), (str(1 << 63), 5)], id="oracle"),
        pytest.param("t.oracleGeneral.xz", lzma.compress(_ORACLE * 9000), [("7", 5), (str(1 << 63), 5)] * 9000, id="blocks"),
        pytest.param("web12.trace", _WEB12, [("1", 1), ("2", 1), ("1", 1), ("4294967295", 1)], id="web12"),
        pytest.param("web12.trace.xz", lzma.compress(b""), [], id="empty"),
    ],
)  # fmt: skip
def test_traces_are_read(saved: Saved, name: str, data: bytes, uses: list[tuple[str, int]]) -> None:
    path = saved(name, data)
    read: list[int] = []
    trace = Trace(path, guessed_format(path), read.append)
    assert list(trace) == uses
    assert sum(read) == len(data), "progress covers the file"
    assert list(trace) == uses, "a second pass reads it anew"


@pytest.mark.parametrize(
    ("form", "name", "data", "message"),
    [
        ("csv", "t.csv", b"1,/a,10\n2,/b,ten\n", "t.csv: offset 8: expected TIME,KEY,SIZE .* found '2,/b,ten'"),
        ("csv", "t.csv", b"1,/a,10\n/b,7\n", "offset 8: expected TIME,KEY,SIZE"),
        ("csv", "t.csv", b"1,/a,10\ntime,key,size\n", "offset 8: expected TIME,KEY,SIZE"),
        ("csv", "t.csv", b"1,/a,-1\n", "offset 0: expected TIME,KEY,SIZE"),
        ("csv", "t.csv", b"1,/a," + b"9" * 5000, "offset 0: expected TIME,KEY,SIZE"),
        ("csv", "t.csv", b"1,/" + b"a" * 20_000 + b",1\n", "offset 0: expected TIME,KEY,SIZE"),
        ("csv", "t.csv", b"\x00\xff\x00\xff", "offset 0: expected TIME,KEY,SIZE"),
        ("oracle", "t", _ORACLE[:-1], "offset 24: the file ends within a record: 23 of 24 bytes"),
        ("oracle", "t", _ORACLE + struct.pack("<IQIq", 3, 1, 1, -7), "offset 48: not an oracleGeneral record"),
        ("web12", "t", _WEB12 + b"\x01", "offset 16: the file ends within a record: 1 of 4 bytes"),
        ("web12", "t.xz", lzma.compress(_WEB12 * 99)[:-20], "decompressed offset [0-9]+: the compression is broken"),
        ("web12", "t.xz", b"not compressed", "decompressed offset 0: the compression is broken"),
        ("oracle", "t.zst", b"\x28\xb5\x2f\xfd....", "Zstandard needs Python 3.14 or later: decompress it first"),
        ("oracle", "t.bin", b"\x28\xb5\x2f\xfd....", "Zstandard"),
    ],
    ids=[
        "csv-size", "csv-fields", "csv-second-heading", "csv-negative", "csv-huge-size", "csv-long-line", "csv-binary",
        "oracle-cut", "oracle-other-format", "web12-cut", "xz-cut", "xz-not", "zst-by-name", "zst-by-content",
    ],
)  # fmt: skip
def test_broken_traces_are_named_with_their_offset(
    saved: Saved, form: Format, name: str, data: bytes, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        list(Trace(saved(name, data), form))


def test_a_footprint_counts_each_object_once(saved: Saved) -> None:
    assert footprint(Trace(saved("t.csv", _CSV), "csv")) == Footprint(objects=3, size_bytes=50)


@pytest.mark.parametrize(
    ("text", "size_bytes"), [("40B", 40), ("1KiB", 1024), ("80%", 40), ("0.02GiB", 21474836), ("100%", 50)]
)
def test_quotas_are_bytes_or_shares_of_the_footprint(text: str, size_bytes: int) -> None:
    assert parse_quota(text).resolved(Footprint(3, 50)) == size_bytes


def test_the_document_has_what_a_hand_counts(saved: Saved, capsys: pytest.CaptureFixture[str]) -> None:
    """Quota 40. LRU: /a /b miss, /a hits, /c throws out /b, /b (30) throws out /a and keeps /c, /a throws out /c."""
    trace = saved("t.csv", _CSV)
    assert main(["--trace", str(trace), "--size", "80%,20B", "--policy", "lru", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {name: value for name, value in document.items() if name != "runs"} == {
        "trace": str(trace),
        "format": "csv",
        "requests": 6,
        "requested_bytes": 100,
        "footprint": {"objects": 3, "size_bytes": 50},
    }
    assert document["runs"] == [
        {"policy": "lru", "admission": "always", "size": "80%", "size_bytes": 40, "misses": 5, "missed_bytes": 90,
         "written_bytes": 90, "evictions": 3,
         "object_miss_ratio": 0.833333, "byte_miss_ratio": 0.9},
        {"policy": "lru", "admission": "always", "size": "20B", "size_bytes": 20, "misses": 4, "missed_bytes": 80,
         "written_bytes": 20, "evictions": 0,
         "object_miss_ratio": 0.666667, "byte_miss_ratio": 0.8},
    ]  # fmt: skip


def test_the_table_has_a_line_for_each_policy_and_size(saved: Saved, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--trace", str(saved("web12.trace", _WEB12)), "--size", "1B,2B"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[:5] for line in out.splitlines()[2:]] == [
        [size, size[:1], policy, "always", misses]
        for size, misses in (("1B", "1.0000"), ("2B", "0.7500"))
        for policy in ("s3-fifo", "sieve", "lru", "gdsf")
    ]
    assert err == "", "no progress where nobody watches"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--size", "10"], "--size 10: expected a size such as 10GiB, or a share such as 10%"),
        (["--size", "0%"], "--size 0%: expected at least one byte, or a share above 0%"),
        (["--size", "nan%"], "--size nan%: expected at least one byte"),
        (["--size", "1%"], "--size 1%: less than one byte of a footprint of 50"),
        (["--size", "1B", "--policy", "fifo"], "--policy fifo: expected some of s3-fifo, sieve, lru, gdsf"),
        (["--size", "1B", "--admission", "never"], "--admission never: expected some of always, second-request"),
        (["--size", ",".join(["1B"] * 17)], "more than 64 caches"),
        (["--size", "1B", "--trace", "absent.csv"], "absent.csv: cannot be read: No such file"),
        (["--size", "1B", "--trace", "absent"], "absent: the name does not tell the format"),
        (["--size", "1B", "--format", "oracle"], "t.csv: offset 72: the file ends within a record"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(
    saved: Saved, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    data = _CSV if "--format" not in args else bytes(72) + b"."
    assert main(["--trace", str(saved("t.csv", data)), *args]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert (out, err.count("\n")) == ("", 1)


def test_an_empty_trace_is_an_error_in_json_too(saved: Saved, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--trace", str(saved("t.csv", b"")), "--size", "1B", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "configuration"
