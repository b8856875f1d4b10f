"""What is generated agrees with the models, and the files that come along are right."""

import re
import warnings
from pathlib import Path

import pytest

from playnet.config import load, parse
from playnet.config.__main__ import CHECKOUT, GENERATED
from playnet.config.fields import sections, settings
from playnet.config.model import Config
from playnet.config.reference import json_schema, reference_yaml

CONFIGS = CHECKOUT / "configs"


@pytest.mark.parametrize("name", GENERATED)
def test_generated_files_are_up_to_date(name: str) -> None:
    assert (CHECKOUT / name).read_text(encoding="utf-8") == GENERATED[name](), "run `python -m playnet.config`"


def test_reference_equals_the_defaults_and_names_every_setting() -> None:
    text = reference_yaml()
    assert parse(text, name="reference", base=Path("/")) == Config()
    for path, model in sections():
        for setting in settings(model):
            assert re.search(rf"^[ #-]*{setting.name}:", text, re.MULTILINE), f"{path}.{setting.name}"
            assert setting.reason, f"{path}.{setting.name} has no reason"


def test_examples_of_the_reference_are_valid() -> None:
    text = re.sub(r"^(\s*)#(?=[\w-])", r"\1", reference_yaml(), flags=re.MULTILINE).replace("kind: file", "kind: s3")
    config = parse(text, name="reference", base=Path("/"))
    assert config.storage.s3 is not None
    for path, model in sections():
        section = config
        for step in path.split(".") if path else ():
            section = getattr(section, step.removesuffix("[]"))
            section = section[0] if step.endswith("[]") else section
        unset = [setting.name for setting in settings(model) if getattr(section, setting.name) is None]
        assert unset == [], path


def test_schema_covers_the_file_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(Config.model_fields)
    assert schema["$defs"]["Edge"]["properties"]["size"]["pattern"]


def test_single_box_file_says_only_what_the_defaults_say() -> None:
    assert load(CONFIGS / "single.yaml") == Config()


def test_fleet_file() -> None:
    config = load(CONFIGS / "fleet.yaml")
    hosts = {edge.dialled.host for edge in config.edges} | {config.lb.listen.host, config.origin.listen.host}
    assert len(config.edges) == 4
    assert len(hosts) == 4
    assert all(host.startswith("192.0.2.") for host in hosts), "RFC 5737: addresses for documentation"
    assert config.storage.s3 is not None
    assert None not in (config.database.dsn_file, config.redis.url_file, config.auth.api_token_file)
