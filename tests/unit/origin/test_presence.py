from typing import Any

import pytest

from origin.adapters.presence import Presence
from playnet.errors import NotFound, Unavailable
from playnet.names import AssetId
from tests.aio import run

_ASSETS = [AssetId("aaaaaaaaaaaa"), AssetId("bbbbbbbbbbbb")]


class _Assets:
    """A database that lives, or not, and counts how often it is asked."""

    def __init__(self, answer: str | Exception | None) -> None:
        self.answer = answer
        self.asked = 0

    async def visibility(self, _: AssetId) -> str | None:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _ask_all(assets: Any, *, rounds: int) -> None:
    async def body() -> None:
        presence = Presence(assets)
        for asset in _ASSETS * rounds:
            await presence.require(asset)

    run(body())


def test_a_silent_database_is_asked_once_and_viewers_go_on() -> None:
    assets = _Assets(Unavailable("silent"))
    _ask_all(assets, rounds=3)
    assert assets.asked == 1


def test_each_asset_is_asked_for_once_in_a_while() -> None:
    assets = _Assets("public")
    _ask_all(assets, rounds=3)
    assert assets.asked == len(_ASSETS)


def test_what_does_not_live_is_absent() -> None:
    with pytest.raises(NotFound):
        _ask_all(_Assets(None), rounds=1)
