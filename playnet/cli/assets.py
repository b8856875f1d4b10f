"""`add`: a file of yours into the catalogue."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from playnet.client import Client, check_source
from playnet.errors import MediaRejected

from .options import AsJson, ConfigFile, DataDir, Front, TokenFile, api_token, configured, front_url
from .output import err, out, print_json, tell

File = Annotated[Path, typer.Argument(help="The video file.", metavar="FILE")]
Title = Annotated[str | None, typer.Option("--title", help="Its title; the file's name without it.")]
Wait = Annotated[bool, typer.Option("--wait", help="Return when it plays, or has failed.")]


def add(
    file: File,
    title: Title = None,
    wait: Wait = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
    front: Front = None,
    token_file: TokenFile = None,
) -> None:
    """Upload a video file; it is made into adaptive HLS and DASH."""
    check_source(file)
    settings = configured(config, data)
    client = Client(front_url(settings, front), api_token(settings, token_file))
    asset = asyncio.run(_add(client, file, title or title_of(file), wait=wait))
    if as_json:
        print_json(asset)
    else:
        _print(asset)
    if asset["state"] == "failed":
        raise typer.Exit(tell(MediaRejected(f"{file.name}: {asset['failure']}"), as_json=False))


def title_of(file: Path) -> str:
    """The file's name without its suffix, with spaces for what no title may hold: control characters, broken UTF-8."""
    shown = "".join(char if char.isprintable() else " " for char in file.stem)
    return " ".join(shown.split()) or "untitled"


async def _add(client: Client, file: Path, title: str, *, wait: bool) -> dict[str, Any]:
    with _bars() as bars:
        async with client:
            asset = await client.create(title)
            upload = bars.add_task("uploading", total=file.stat().st_size)
            asset = await client.upload(asset["id"], file, lambda sent: bars.update(upload, completed=sent))
            if not wait:
                return asset
            bars.update(upload, visible=False)
            work = bars.add_task("queued", total=1.0)
            return await client.processed(asset["id"], _progress(bars, work))


def _progress(bars: Progress, work: TaskID) -> Callable[[dict[str, Any]], None]:
    return lambda asset: bars.update(
        work, description=asset["state"], completed=1.0 if asset["state"] == "ready" else asset["progress"]
    )


def _bars() -> Progress:
    """On stderr, and only on a terminal. Work has no bytes, so its speed and size columns show shares of one."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), _Bytes(), _Speed(),
        TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal,
    )  # fmt: skip


class _Bytes(DownloadColumn):
    """Sizes, of uploads only."""

    def render(self, task: Any) -> Any:
        return super().render(task) if task.description == "uploading" else ""


class _Speed(TransferSpeedColumn):
    """Speed, of uploads only."""

    def render(self, task: Any) -> Any:
        return super().render(task) if task.description == "uploading" else ""


def _print(asset: dict[str, Any]) -> None:
    out.print(f"{asset['id']}  {asset['state']}  {asset['title']}", markup=False)
    if asset["state"] == "failed":
        return
    for label, key in (("watch", "watch_url"), ("HLS", "hls_url"), ("DASH", "dash_url")):
        out.print(f"{label:<6} {asset[key]}", markup=False)
