"""Wrong files are refused with file, line, key, value and what was expected."""

from pathlib import Path

import pytest

from playnet.config import Address, load, parse
from playnet.errors import ConfigError

S3 = "storage: {kind: s3, s3: {endpoint: h:1, bucket: media, access_key_file: a, secret_key_file: b, part_size: %s}}"
EDGE = "edges:\n- name: a\n  listen: 127.0.0.1:1\n"

WRONG = [
    ("unknown-section", "sight:\n  name: x", "f:1: sight: there is no such setting (`playnet config reference` lists them all)"),
    ("unknown-key", "site:\n  naem: x", 'f:2: site.naem = "x": there is no such setting (`playnet config reference` lists them all)'),
    ("number-as-key", "1: 2", "f:1: 1 = 2: there is no such setting (`playnet config reference` lists them all)"),
    ("no-mapping", "[1]", "f:1: expected a mapping of sections, for example `site:`"),
    ("no-section", "\nsite: x\n", 'f:2: site = "x": expected a mapping of settings'),
    ("text", "site: {name: 1}", "f:1: site.name = 1: expected text of 1 to 80 characters"),
    ("empty-text", "site:\n  name: ''", 'f:2: site.name = "": expected text of 1 to 80 characters'),
    ("long-value", f"site: {{run_as: {'X' * 100}}}", f'f:1: site.run_as = "{"X" * 56}...: expected 1 to 32 lower-case letters, digits and hyphens, no hyphen at either end'),
    ("url", "site: {public_url: example.org}", 'f:1: site.public_url = "example.org": expected http:// or https:// and a host, perhaps a port, nothing behind it, for example https://video.example.org'),
    ("bucket", S3.replace("media", "A") % "5MiB", 'f:1: storage.s3.bucket = "A": expected 3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends'),
    ("no-unit", "origin:\n\n  max_source: 100", "f:3: origin.max_source = 100: expected a number with a unit (B, KiB, MiB, GiB, TiB), for example 10GiB"),
    ("wrong-unit", "origin: {max_source: 100GB}", 'f:1: origin.max_source = "100GB": expected a number with a unit (B, KiB, MiB, GiB, TiB), for example 10GiB'),
    ("size-bound", S3 % "1MiB", 'f:1: storage.s3.part_size = "1MiB": expected a size from 5MiB to 5GiB'),
    ("duration-bound", "lb: {connect_timeout: 2min}", 'f:1: lb.connect_timeout = "2min": expected a duration from 100ms to 1min'),
    ("whole-number", "transcoder: {workers: 1.5}", "f:1: transcoder.workers = 1.5: expected a whole number from 1 to 64"),
    ("bound", "transcoder: {workers: 65}", "f:1: transcoder.workers = 65: expected a whole number from 1 to 64"),
    ("choice", "storage: {kind: nfs}", 'f:1: storage.kind = "nfs": expected file or s3'),
    ("yes-or-no", "analytics: {access_log: perhaps}", 'f:1: analytics.access_log = "perhaps": expected true or false'),
    ("not-yet", "live: {enabled: true}", "f:1: live.enabled = true: expected false"),
    ("path", "data_dir: 3", "f:1: data_dir = 3: expected a path"),
    ("address", "lb: {listen: localhost}", 'f:1: lb.listen = "localhost": expected HOST:PORT with a port from 1 to 65535, for example 127.0.0.1:8080'),
    ("sexagesimal", "lb: {listen: 1:30}", "f:1: lb.listen = 90: expected HOST:PORT with a port from 1 to 65535, for example 127.0.0.1:8080"),
    ("missing", "edges:\n- {name: a, listen: 'h:1'}\n- name: b", "f:3: edges.1.listen: is needed and not set"),
    ("entry", "edges: [a]", 'f:1: edges.0 = "a": expected a mapping of settings'),
    ("no-list", "edges: {}", "f:1: edges: expected a list of 1 to 1000 entries"),
    ("empty-list", "edges: []", "f:1: edges: expected a list of 1 to 1000 entries"),
    ("wrong-entries-are-not-also-too-few", "edges:\n- name: A\n  listen: 'h:1'", 'f:2: edges.0.name = "A": expected 1 to 32 lower-case letters, digits and hyphens, no hyphen at either end'),
    ("step", "transcoder:\n  ladder:\n  - {short_side: 145, max_bitrate: 1Mbps}", "f:3: transcoder.ladder.0.short_side = 145: expected a whole number from 64 to 4320, a multiple of 2"),
    ("ladder-order", "transcoder:\n  ladder:\n  - {short_side: 720, max_bitrate: 1Mbps}\n  - {short_side: 360, max_bitrate: 1Mbps}", "f:1: transcoder: expected the ladder's short_side values ascending and distinct"),
    ("same-name", EDGE + "- name: a\n  listen: 127.0.0.1:2", "f:1: the file: expected every edge to have a name of its own: a stands twice"),
    ("same-address", EDGE + "lb: {listen: '127.0.0.1:1'}", "f:1: the file: expected an address of its own for the front, the origin and every edge: 127.0.0.1:1 stands twice"),
    ("s3-missing", "storage: {kind: s3}", "f:1: storage: expected a section `s3` exactly when kind is s3"),
    ("set-twice", "site:\n  name: a\n  name: b", "f:3: site.name is set twice: keep one"),
    ("not-yaml", "site: [", "f:1: not valid YAML: expected the node content, but found '<stream end>'"),
    ("tab", "site:\n\tname: x", "f:2: not valid YAML: found character '\\t' that cannot start any token"),
    ("nul", "site: \0", "f: not valid YAML: unacceptable character #x0000: special characters are not allowed"),
    ("no-such-day", "site: {name: 2026-02-31}", "f: not valid YAML: day is out of range for month"),
    ("two-documents", "{}\n---\n{}", "f:2: not valid YAML: but found another document"),
    ("code", "site: !!python/object/apply:os.system [id]", "f:1: not valid YAML: could not determine a constructor for the tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_message(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, name="f", base=Path("/"))
    assert str(caught.value) == message


def test_all_mistakes_are_told_at_once() -> None:
    text = "site:\n  naem: x\nlb:\n  max_fails: 0\nedges:\n  - name: A\n    listen: x\n"
    with pytest.raises(ConfigError) as caught:
        parse(text, name="f", base=Path("/"))
    assert [line.split(":", 2)[1] for line in str(caught.value).splitlines()] == ["2", "6", "7", "4"]


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "more than 100000 values, aliases counted at each use"),
        (MERGES, "more than 100000 values, aliases counted at each use"),
        ("a: &a [*a]", "nested deeper than 20 levels"),
        ("[" * 100_000, "nested deeper than 20 levels"),
        ("{a: " * 30 + "}" * 30, "nested deeper than 20 levels"),
    ],
    ids=["laughs", "merges", "itself", "brackets", "mappings"],
)
def test_bombs_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(text, name="f", base=Path("/"))


def test_anchors_within_reason_are_fine() -> None:
    config = parse(
        "edges:\n- &one {name: a, listen: 'h:1', size: 1TiB}\n- {<<: *one, name: b, listen: 'h:2'}",
        name="f",
        base=Path("/"),
    )
    assert [(edge.name, edge.listen, edge.size) for edge in config.edges] == [
        ("a", Address("h", 1), 1 << 40),
        ("b", Address("h", 2), 1 << 40),
    ]


def test_relative_paths_start_at_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    file = tmp_path / "sub/playnet.yaml"
    file.parent.mkdir()
    file.write_text(
        "data_dir: data\nstorage: {path: ../objects}\ndatabase: {dsn_file: ~/dsn}\nredis: {url_file: /etc/redis-url}\n"
        "edges:\n- {name: a, listen: '127.0.0.1:1', cache_dir: cache}\n"
    )
    config = load(file)
    assert config.data_dir == tmp_path / "sub/data"
    assert config.storage.path == tmp_path / "sub/../objects"
    assert config.database.dsn_file == Path("/home/somebody/dsn")
    assert config.redis.url_file == Path("/etc/redis-url")
    assert config.edges[0].cache_dir == tmp_path / "sub/cache"


@pytest.mark.parametrize("name", ["absent", "folder", "binary", "huge", "endless"])
def test_unreadable_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"site:\n  name: \xff")
    (tmp_path / "huge").write_bytes(b"#" * ((1 << 20) + 1))
    (tmp_path / "endless").symlink_to("/dev/zero")
    words = {
        "absent": "cannot be read: No such file or directory",
        "folder": "cannot be read: Is a directory",
        "binary": "not UTF-8 text (byte 14)",
        "huge": "larger than 1 MiB",
        "endless": "larger than 1 MiB",
    }
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: {words[name]}")


def test_an_empty_file_is_all_defaults() -> None:
    config = parse("# nothing yet\n", name="f", base=Path("/"))
    assert config == parse("{}", name="f", base=Path("/")) == parse("site:\n  # name: x\n", name="f", base=Path("/"))
    assert (config.public_url, config.origins) == ("http://127.0.0.1:8080", (Address("127.0.0.1", 8090),))
