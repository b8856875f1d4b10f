from typing import Any

import pytest

from playnet.cli.purges import purge_order, reply_line
from playnet.errors import ConfigError

_NONE: dict[str, Any] = {"url": None, "tag": None, "prefix": None, "everything": False, "soft": False}


@pytest.mark.parametrize(
    ("options", "kind", "value"),
    [
        pytest.param({"url": "/v/a/master.m3u8"}, "url", "/v/a/master.m3u8", id="path"),
        pytest.param({"url": "http://h:8080/v/a/b.m4s?x=1"}, "url", "/v/a/b.m4s?x=1", id="whole URL"),
        pytest.param({"prefix": "https://h/v/a/"}, "prefix", "/v/a/", id="prefix of a URL"),
        pytest.param({"tag": "asset:abc"}, "tag", "asset:abc", id="tag"),
        pytest.param({"everything": True}, "all", "", id="all"),
    ],
)
def test_options_become_an_order(options: dict[str, Any], kind: str, value: str) -> None:
    order = purge_order(**{**_NONE, **options})
    assert (order.kind, order.value, order.soft) == (kind, value, False)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"url": "/a", "tag": "b"}, id="two"),
        pytest.param({"everything": True, "tag": "b"}, id="all and one"),
        pytest.param({"url": "v/a"}, id="no path"),
        pytest.param({"tag": ""}, id="empty tag"),
        pytest.param({"prefix": "/v/%61"}, id="what no key can be"),
    ],
)
def test_wrong_options_are_wrong_usage(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        purge_order(**{**_NONE, **options})


@pytest.mark.parametrize(
    ("reply", "soft", "dry_run", "line"),
    [
        pytest.param((True, 3), False, False, "e: forgot 3 entries", id="hard"),
        pytest.param((True, 3), True, False, "e: made stale 3 entries", id="soft"),
        pytest.param((True, 0), False, True, "e: would forget 0 entries", id="dry"),
        pytest.param((False, None), False, False, "e: no answer yet", id="away"),
    ],
)
def test_replies_read_as_sentences(reply: tuple[bool, int | None], soft: bool, dry_run: bool, line: str) -> None:
    answered, entries = reply
    assert reply_line({"node": "e", "answered": answered, "entries": entries}, soft=soft, dry_run=dry_run) == line
