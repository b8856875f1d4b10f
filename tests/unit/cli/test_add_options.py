import os
from pathlib import Path

import pytest

from playnet.cli.assets import title_of
from playnet.cli.options import api_token, front_url
from playnet.config import Config
from playnet.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("my  holiday film.mp4", "my holiday film"),
        ("two\nlines\tand a tab.mov", "two lines and a tab"),
        ("ünïcodé 影片.mp4", "ünïcodé 影片"),
        ("-dash.mp4", "-dash"),
        ("\x1b[31mred.mp4", "[31mred"),
        (os.fsdecode(b"broken\xff\xfe.mp4"), "broken"),
        ("\n.mp4", "untitled"),
    ],
)
def test_any_file_name_becomes_a_title(name: str, title: str) -> None:
    assert title_of(Path("folder") / name) == title


@pytest.mark.parametrize("given", ["nonsense", "127.0.0.1:8080", "ftp://h/", "http://"])
def test_a_front_that_is_no_url_is_wrong_usage(given: str) -> None:
    with pytest.raises(ConfigError, match="--front"):
        front_url(Config(), given)


@pytest.mark.parametrize("token", ["two\nlines", "schlüssel"])
def test_a_token_that_no_header_can_hold_is_wrong_usage(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYNET_TOKEN", token)
    with pytest.raises(ConfigError, match="PLAYNET_TOKEN"):
        api_token(Config(), None)
