"""The YAML chooses the store."""

from pathlib import Path

import pytest

from playnet.config import parse
from playnet.errors import ConfigError
from playnet.layout import Layout
from playnet.store.file import FileStore
from playnet.store.open import open_store
from playnet.store.s3 import Bucket, S3Store
from tests.aio import run

S3_YAML = """
data_dir: data
storage:
  kind: s3
  s3: {endpoint: "s3.example:9000", bucket: media, tls: false, access_key_file: access, secret_key_file: secret}
"""


def test_files_are_the_default_below_the_data_directory(tmp_path: Path) -> None:
    config = parse(f"data_dir: {tmp_path}/data", name="c.yaml", base=tmp_path)
    store = open_store(config, Layout(tmp_path / "data"))
    assert isinstance(store, FileStore)
    assert store.local_path("v/a") == tmp_path / "data/objects/v/a"
    run(store.close())


def test_s3_needs_both_secrets(tmp_path: Path) -> None:
    config = parse(S3_YAML, name="c.yaml", base=tmp_path)
    (tmp_path / "access").write_text("key\n")
    with pytest.raises(ConfigError, match=r"storage\.s3\.secret_key_file"):
        open_store(config, Layout(tmp_path / "data"))
    (tmp_path / "secret").write_text("hidden\n")
    store = open_store(config, Layout(tmp_path / "data"))
    assert isinstance(store, S3Store)
    assert store.local_path("v/a") is None
    run(store.close())


def test_folder_that_cannot_be_had_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    config = parse(f"storage: {{path: {tmp_path}/file/objects}}", name="c.yaml", base=tmp_path)
    with pytest.raises(ConfigError, match=r"storage\.path"):
        open_store(config, Layout(tmp_path / "data"))


def test_secrets_do_not_show() -> None:
    bucket = Bucket(
        endpoint="s3.example:9000", name="media", region="r", tls=True,
        access_key="hidden", secret_key="hidden", part_bytes=5 << 20,
    )  # fmt: skip
    assert "hidden" not in repr(bucket)
