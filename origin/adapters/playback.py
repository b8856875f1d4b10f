"""Signing tokens and revoking them."""

import time
from dataclasses import dataclass

from origin.core.playback import Grant, NewRevocation, NewToken, PlaybackView, RevocationAccepted, playback
from playnet.db.database import Database
from playnet.errors import InvalidInput
from playnet.names import AssetId, hls_path
from playnet.token_keys import KeyFile
from playnet.tokens import Granted, Rules, Use, judge

from .presence import Presence
from .statements import SQL


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

    def admits(self, token: str, asset: AssetId, client: str | None) -> bool:
        """Whether this token plays the asset, so that its bearer may know what it is called.

        Revocations are the edges' business: they keep media back, a title stays known to who had it.
        """
        use = Use(hls_path(asset), client or "", time.time())
        verdict = judge(token, use, keys=self._keys.current(), rules=self._settings.rules, revoked_at=lambda _: None)
        return isinstance(verdict, Granted)


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
