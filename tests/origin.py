"""A real origin for tests: uvicorn on loopback in the test's own loop, or a process to watch and kill."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from origin.app import Origin, build
from playnet.asgi.serve import serve
from playnet.config import Config, parse
from playnet.layout import Layout, layout_of
from playnet.media.records import AudioTrack, Presentation, VideoTrack
from playnet.media.summary import summarise
from playnet.names import AssetId, source_prefix
from playnet.store.file import FileStore
from tests.aio import until
from tests.files import files_below

PRESENTATION = Presentation(
    tracks=(
        VideoTrack(
            name="144p", codec="avc1.64000c", timescale=12800, segment_ticks=(51200, 25600), segment_bytes=(9000, 5000),
            width=256, height=144, fps_num=25, fps_den=1,
        ),
        AudioTrack(
            name="audio", codec="mp4a.40.2", timescale=48000, segment_ticks=(192512, 96256), segment_bytes=(64000, 32000),
            channels=2, sample_rate=48000,
        ),
    ),
    poster=True,
)  # fmt: skip


@dataclass
class Place:
    """Configuration and folders of one origin."""

    folder: Path
    port: int
    dsn: str
    redis_url: str
    extra: str = ""
    site: str = "http://video.test"
    auth: str = ""
    restore_within: str = "0s"
    config: Config = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "dsn").write_text(self.dsn)
        (self.folder / "redis").write_text(self.redis_url)
        text = (
            f"data_dir: data\ndatabase: {{dsn_file: dsn}}\nredis: {{url_file: redis}}\n"
            f"site: {{public_url: '{self.site}'}}\nauth: {{{self.auth}}}\n"
            f"origin: {{listen: '127.0.0.1:{self.port}', free_space: 0B, restore_within: {self.restore_within}{self.extra}}}\n"
        )
        self.file = self.folder / "playnet.yaml"
        self.file.write_text(text)
        self.config = parse(text, name=str(self.file), base=self.folder)

    @property
    def layout(self) -> Layout:
        return layout_of(self.config)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return self.layout.api_token.read_text().strip()

    @property
    def store(self) -> FileStore:
        return FileStore(self.layout.objects)

    def sources(self, asset: str) -> list[Path]:
        """Source objects of an asset."""
        folder = self.layout.objects / source_prefix(AssetId(asset))
        return files_below(folder)


class Api:
    """The API as a publisher uses it."""

    def __init__(self, place: Place, session: aiohttp.ClientSession) -> None:
        self.place = place
        self.session = session

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON (None for 204)."""
        headers = {"Authorization": f"Bearer {self.place.token}", **options.pop("headers", {})}
        async with self.session.request(method, self.place.url + path, headers=headers, **options) as response:
            return response.status, await response.json(content_type=None) if response.status != 204 else None

    async def create(self, title: str = "A title") -> str:
        status, asset = await self.call("POST", "/api/v1/assets", json={"title": title})
        assert status == 201, asset
        name: str = asset["id"]
        return name

    async def show(self, asset: str) -> dict[str, Any]:
        status, body = await self.call("GET", f"/api/v1/assets/{asset}")
        assert status == 200, body
        shown: dict[str, Any] = body
        return shown

    async def upload(self, asset: str, data: Any, **options: Any) -> tuple[int, Any]:
        return await self.call("PUT", f"/api/v1/assets/{asset}/source?name=clip.mp4", data=data, **options)

    async def ready(self) -> bool:
        try:
            async with self.session.get(f"{self.place.url}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running(place: Place, *, web_folder: Path | None = None) -> AsyncIterator[Api]:
    """An origin in this loop, ready, with a client; stopped cleanly at the end."""
    origin: Origin = build(place.config, place.layout, web_folder=web_folder or place.folder / "no-web")
    async with asyncio.TaskGroup() as group:
        server = group.create_task(serve(origin.app, place.config.origin.listen, stop=origin.stop), name="origin")
        async with aiohttp.ClientSession() as session:
            api = Api(place, session)
            try:
                await until(api.ready)
                yield api
            finally:
                origin.stop.set()
                await asyncio.wait([server])


@contextmanager
def process(place: Place, *prefix: str) -> Iterator["subprocess.Popen[bytes]"]:
    """An origin as a process of its own, below the commands of `prefix`."""
    argv = [*prefix, sys.executable, "-m", "origin", "--config", str(place.file)]
    with (place.folder / "log").open("ab") as log:
        child = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(timeout=20)


async def publish(place: Place, asset: str, presentation: Presentation = PRESENTATION) -> None:
    """Make an asset ready as the transcoder would: revision row, state, a few objects."""
    connection = await asyncpg.connect(place.dsn)
    try:
        async with connection.transaction():
            await connection.execute(
                "insert into revision (asset_id, number, presentation, summary, published_at) values ($1, 1, $2, $3, now()) "
                "on conflict (asset_id, number) do update set presentation = $2, summary = $3, published_at = now()",
                asset, presentation.model_dump_json(), summarise(presentation).model_dump_json(),
            )  # fmt: skip
            await connection.execute("update asset set state = 'ready', revision = 1 where id = $1", asset)
    finally:
        await connection.close()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """A stream for the store or for a chunked request body."""
    for part in parts:
        yield part
