"""Signing tokens, revoking them, and who may play an asset."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from origin.core.playback import Grant, NewRevocation, NewToken, PlaybackView, RevocationAccepted, Visibility, playback
from playnet.db.database import Database
from playnet.errors import InvalidInput
from playnet.names import AssetId, asset_tag
from playnet.purge.order import PurgeOrder
from playnet.token_keys import KeyFile
from playnet.tokens import Rules

from .assets import absent
from .presence import TRUSTED_S, Presence
from .statements import SQL

_MARGIN_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """`life_s`: of tokens that were asked for without one."""

    public_url: str
    life_s: int
    rules: Rules


class Signing:
    """Makes addresses to play. Needs neither the database nor Redis for an asset that was lately seen."""

    def __init__(self, keys: KeyFile, settings: SigningSettings, presence: Presence) -> None:
        self._keys, self._settings, self._presence = keys, settings, presence

    async def sign(self, asset: AssetId, wanted: NewToken) -> PlaybackView:
        """NotFound, InvalidInput."""
        await self._presence.require(asset)
        settings = self._settings
        life_s = wanted.life_s or settings.life_s
        if life_s > settings.rules.max_life_s:
            raise InvalidInput(f"life_s: at most {settings.rules.max_life_s}, which is tokens.max_life")
        grant = Grant(
            asset=asset,
            issued_s=int(time.time()),
            life_s=life_s,
            client=wanted.client,
            session=wanted.session,
            subject=wanted.subject,
        )
        try:
            return playback(self._keys.current(), grant, settings.public_url)
        except ValueError as exc:
            raise InvalidInput(str(exc)) from exc


class Revoking:
    """The outbox `revocation_order`; a relay carries it to the edges."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def order(self, wanted: NewRevocation) -> RevocationAccepted:
        """Accept an order: from here on it reaches every edge."""
        order = wanted.at(int(time.time()))
        async with self._database.transaction() as connection:
            number = await connection.fetchval(SQL["order_revocation"], order.model_dump())
        assert isinstance(number, int)
        return RevocationAccepted(id=number, at=order.at)


class Visibilities:
    """Who may play what."""

    def __init__(self, database: Database, presence: Presence) -> None:
        self._database, self._presence = database, presence

    async def set(self, asset: AssetId, visibility: Visibility) -> None:
        """Change it everywhere: afterwards no origin and no edge answers by the old one. NotFound.

        Other origins trust what they know for a moment, and an edge may fetch from them meanwhile, so that the purge is
        ordered once more when that moment is over. Whoever gets no answer has to ask again.
        """
        await self._change(asset, visibility)
        self._presence.forget(asset)
        await asyncio.sleep(TRUSTED_S + _MARGIN_S)
        await self._change(asset, visibility)

    async def begin(self, asset: AssetId, visibility: Visibility) -> None:
        """Of an asset that was just made: nobody has anything of it."""
        async with self._database.connection() as connection:
            await connection.fetchval(SQL["set_visibility"], asset, visibility)

    async def _change(self, asset: AssetId, visibility: Visibility) -> None:
        order = PurgeOrder(kind="tag", value=asset_tag(asset))
        async with self._database.transaction() as connection:
            if await connection.fetchval(SQL["set_visibility"], asset, visibility) is None:
                raise absent(asset)
            await connection.execute(SQL["order_purge"], order.model_dump())
