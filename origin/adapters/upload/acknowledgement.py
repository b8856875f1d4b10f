"""What begins and what ends every upload, whichever way its bytes come: two transactions."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from origin.core.assets import begin_upload
from playnet import jobs
from playnet.db.pool import Connection
from playnet.errors import Conflict
from playnet.names import AssetId

from ..assets import absent
from ..statements import SQL

LEASE: Final = timedelta(seconds=45)  # outlives a database that is gone for 30 s


@dataclass(frozen=True, slots=True)
class Source:
    """A whole source that stands in the object store."""

    key: str
    file_name: str | None
    size_bytes: int
    sha256: str


async def begin(connection: Connection, asset: AssetId, upload: str, *, owner: str) -> None:
    """The asset takes this upload now; one whose owner is silent gives way. NotFound, Conflict."""
    row = await connection.fetchrow(SQL["lock_asset"], asset)
    if row is None:
        raise absent(asset)
    earlier = await connection.fetchrow(SQL["open_upload"], asset)
    lives = earlier is not None and earlier["lives"]
    start = begin_upload(row["state"], open_upload=earlier is not None, lease_lives=lives)
    if start.replaces and earlier is not None:
        await connection.execute(SQL["abandon_upload"], earlier["id"])
    await connection.execute(SQL["begin_upload"], upload, asset, owner, LEASE)


async def acknowledge(connection: Connection, asset: AssetId, upload: str, source: Source) -> None:
    """The source is the asset's, and its processing queued. Repeating it is harmless. NotFound, Conflict."""
    row = await connection.fetchrow(SQL["lock_asset"], asset)
    if row is None:
        raise absent(asset)
    if row["source_key"] == source.key:
        return  # an earlier try was committed and only its answer got lost
    what = (source.key, source.file_name, source.size_bytes, source.sha256)
    if await connection.fetchval(SQL["finish_upload"], upload, asset, *what) is None:
        raise Conflict("this upload was given up, because this origin was silent for too long: send the file again")
    if row["source_key"] is not None:
        await connection.execute(SQL["discard_source"], row["source_key"].rpartition("/")[2], asset)
    await connection.execute(SQL["cancel_tasks"], asset)
    revision = await connection.fetchval(SQL["add_revision"], asset)
    task = await connection.fetchval(SQL["add_probe_task"], asset, revision)
    await jobs.enqueue(connection, [jobs.QueuedTask(task, "probe")])
