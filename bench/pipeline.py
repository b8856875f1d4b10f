"""The transcoder's own steps on one file, without queue and database: what `bench.encode` measures.

python -m bench.pipeline FILE FOLDER PRESET
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from pgqueuer.models import Job

from playnet.config import Transcoder
from playnet.jobs import TaskKind
from playnet.names import AssetId, Revision, source_key
from playnet.store.file import FileStore
from transcoder.adapters.ffmpeg import Runner, find_tools
from transcoder.adapters.steps import Made, Planned, Progress, Steps
from transcoder.adapters.tasks import Claim
from transcoder.core.plan import Plan

_ASSET = AssetId("a" * 12)
_ENCODING: Sequence[TaskKind] = ("video", "audio", "thumbs")


async def encode(file: Path, folder: Path, preset: str) -> None:
    """Probe, encode, package and store one revision of `file` in a fresh file store below `folder`."""
    store = FileStore(folder / "objects")
    key = source_key(_ASSET, "upload")
    await store.put(key, file)
    settings = Transcoder.model_validate({"preset": preset})
    steps = Steps(store, Runner(find_tools(settings)), settings)
    planned = await steps.run(_claim("probe", key, file, None), {}, _folder(folder), Progress())
    assert isinstance(planned, Planned)
    results: dict[TaskKind, dict[str, object]] = {}
    for kind in _ENCODING:
        if kind == "audio" and planned.plan.audio is None:
            continue
        made = await steps.run(_claim(kind, key, file, planned.plan), results, _folder(folder), Progress())
        assert isinstance(made, Made)
        results[kind] = made.result
    await store.close()


def _claim(kind: TaskKind, key: str, file: Path, plan: Plan | None) -> Claim:
    return Claim(
        id=1,
        holder="bench",
        attempt=1,
        job=Job.model_construct(),
        kind=kind,
        asset=_ASSET,
        revision=Revision(1),
        source_key=key,
        source_bytes=file.stat().st_size,
        plan=plan,
    )


def _folder(parent: Path) -> Path:
    made = parent / uuid4().hex
    made.mkdir()
    return made


if __name__ == "__main__":
    asyncio.run(encode(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
