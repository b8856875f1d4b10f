"""Likes and dislikes: one row for each account and asset, totals in the same transaction."""

from typing import Final

import asyncpg

from origin.adapters.assets import absent
from origin.adapters.statements import SQL
from origin.core.accounts.callers import AccountId
from origin.core.signals.representation import Reaction, ReactionView
from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.names import AssetId

_VALUES: Final = {Reaction.LIKE: 1, Reaction.DISLIKE: -1}
_NAMES: Final = {1: Reaction.LIKE, -1: Reaction.DISLIKE, None: Reaction.NONE}


class Reactions:
    """Those of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def show(self, asset: AssetId, account: AccountId | None) -> ReactionView:
        """One's own, and the totals. NotFound."""
        async with self._database.connection() as connection:
            return await _view(connection, asset, account)

    async def react(self, asset: AssetId, account: AccountId, wanted: Reaction) -> ReactionView:
        """Once or many times: the same. NotFound."""
        value = _VALUES.get(wanted)
        try:
            async with self._database.transaction() as connection:
                if not await connection.fetchval(SQL["asset_lives"], asset):
                    raise absent(asset)
                before = await _change(connection, asset, account, value)
                if before != value:
                    likes = (value == 1) - (before == 1)
                    dislikes = (value == -1) - (before == -1)
                    await connection.execute(SQL["add_signals"], [asset], [0], [0], [likes], [dislikes])
                return await _view(connection, asset, account)
        except asyncpg.ForeignKeyViolationError as exc:  # it was removed in this moment
            raise absent(asset) from exc


async def _change(connection: Connection, asset: AssetId, account: AccountId, value: int | None) -> int | None:
    """Store the reaction; the former one. Whoever changes the same reaction at the same time waits."""
    before: int | None
    if value is None:
        before = await connection.fetchval(SQL["drop_reaction"], asset, account)
        return before
    if await connection.fetchval(SQL["add_reaction"], asset, account, value) is not None:
        return None
    before = await connection.fetchval(SQL["begin_reaction"], asset, account)
    if before is None:  # dropped between the two statements: then this one is the first
        await connection.execute(SQL["add_reaction"], asset, account, value)
    elif before != value:
        await connection.execute(SQL["change_reaction"], asset, account, value)
    return before


async def _view(connection: Connection, asset: AssetId, account: AccountId | None) -> ReactionView:
    totals = await connection.fetchrow(SQL["show_signals"], asset)
    if totals is None:
        raise absent(asset)
    own = await connection.fetchval(SQL["show_reaction"], asset, account) if account else None
    return ReactionView(reaction=_NAMES[own], likes=totals["likes"], dislikes=totals["dislikes"])
