import os
from pathlib import Path

import pytest
import yaml

from playnet.config import Config, load, parse
from playnet.errors import StartupFailed
from playnet.layout import Layout
from playnet.supervise.account import Accounts
from playnet.supervise.premises import make_root, prepare, settings_file

_NOBODY_ELSE = Accounts(None, None)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").touch()
    with pytest.raises(StartupFailed, match=r"not empty and not PlayNet's"):
        make_root(tmp_path)


def test_the_data_directory_is_made_and_taken_again(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        make_root(tmp_path / "a" / "b")
    finally:
        os.umask(old)
    (tmp_path / "a" / "b" / "lock").touch()
    make_root(tmp_path / "a" / "b")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755


def test_secrets_and_sockets_are_private_and_leftovers_go(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.run.mkdir()
    (layout.run / "edge-1.brain.sock").touch()
    prepare(Config(), layout, _NOBODY_ELSE)
    assert sorted(path.name for path in layout.run.iterdir()) == ["playnet.yaml"]
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (layout.run, layout.secrets, layout.redis, layout.api_token)
    }
    assert modes == {"run": 0o700, "secrets": 0o700, "redis": 0o700, "api-token": 0o600}


def test_the_token_stays_the_same(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    prepare(Config(), layout, _NOBODY_ELSE)
    first = layout.api_token.read_text()
    prepare(Config(), layout, _NOBODY_ELSE)
    assert layout.api_token.read_text() == first
    assert len(first.strip()) >= 40


def test_services_read_the_very_settings_of_this_run(tmp_path: Path) -> None:
    text = yaml.safe_dump(
        {
            "storage": {"path": "blobs"},
            "edges": [{"name": "a", "listen": "127.0.0.1:1", "size": "1.5GiB", "cache_dir": "cache"}],
            "lb": {"fail_timeout": "1500ms"},
        }
    )
    config = parse(text, name="test", base=tmp_path)
    layout = Layout(tmp_path / "data")
    layout.root.mkdir()
    prepare(config, layout, _NOBODY_ELSE)
    assert load(settings_file(layout)) == config.model_copy(update={"data_dir": layout.root})
