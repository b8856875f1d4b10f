"""`up`, `down`, `status`: the whole appliance on this box."""

import asyncio
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from playnet.config import Config
from playnet.config.choose import config_file
from playnet.layout import Layout, layout_of
from playnet.supervise import probe, remark
from playnet.supervise.appliance import probes
from playnet.supervise.ending import end_appliance
from playnet.supervise.host import run_appliance
from playnet.supervise.lock import owner_of
from playnet.supervise.report import start_in_background
from playnet.supervise.state import Told, read

from .display import Display, table
from .nodes import ask_all, node_lines
from .options import AsJson, ConfigFile, DataDir, configured, front_url
from .output import err, out, print_json

Detach = Annotated[bool, typer.Option("--detach", help="Return when everything is ready; `playnet down` ends it.")]


def up(config: ConfigFile = None, data: DataDir = None, detach: Detach = False) -> None:
    """Run the appliance on this box, in the foreground; Ctrl-C stops all of it in order."""
    settings = configured(config, data)
    with Display(out, _greeting(settings)) as display:
        if detach:
            asyncio.run(start_in_background(config_file(config), data, display))
        else:
            asyncio.run(run_appliance(settings, display))


def down(config: ConfigFile = None, data: DataDir = None) -> None:
    """Stop the appliance and wait until nothing of it is left."""
    layout = layout_of(configured(config, data))
    if not end_appliance(layout):
        err.print(f"no appliance runs on {layout.root}", markup=False)


def status(config: ConfigFile = None, data: DataDir = None, as_json: AsJson = False) -> None:
    """Show every service with its state and health. Exit code 1 unless all are well."""
    settings = configured(config, data)
    layout = layout_of(settings)
    owner = owner_of(layout.root)
    told = read(layout.run) if owner is not None else None
    health = asyncio.run(_health(settings, layout)) if told is not None else {}
    nodes = asyncio.run(_nodes(settings, layout)) if told is not None else {}
    warnings = asyncio.run(_warnings(settings, layout)) if told is not None else {}
    well = told is not None and all(child.state == "ready" for child in told.children) and not any(health.values())
    if as_json:
        print_json(_document(layout, told, health) | {"nodes": nodes, "warnings": warnings})
    elif told is not None:
        out.print(table(told.children, now_s=time.time()))
        for node in nodes.values():
            for line in node_lines(node):
                out.print(line, markup=False)
        for name, reason in health.items():
            if reason is not None:
                out.print(f"{name} is not healthy: {reason}", markup=False)
        for name, warning in warnings.items():
            out.print(f"{name} warns: {warning}", markup=False)
        out.print(told.public_url, markup=False)
    else:
        doing = "is starting or stopping" if owner is not None else "runs"
        err.print(f"{'an' if owner is not None else 'no'} appliance {doing} on {layout.root}", markup=False)
    raise typer.Exit(0 if well else 1)


async def _health(config: Config, layout: Layout) -> dict[str, str | None]:
    """What each process itself answers now: None when well."""
    wanted = probes(config, layout)
    answers = await asyncio.gather(*(probe(ready) for ready in wanted.values()))
    return dict(zip(wanted, answers, strict=True))


async def _nodes(config: Config, layout: Layout) -> dict[str, dict[str, Any]]:
    """What each cache node says of itself; one that does not answer is among the unhealthy already."""
    told = await ask_all({edge.name: layout.brain_socket(edge.name) for edge in config.edges}, "/debug/node")
    return {name: answer for name, answer in told.items() if isinstance(answer, dict)}


async def _warnings(config: Config, layout: Layout) -> dict[str, str]:
    """What processes that are well warn of, by name."""
    wanted = probes(config, layout)
    answers = await asyncio.gather(*(remark(ready) for ready in wanted.values()))
    return {name: answer for name, answer in zip(wanted, answers, strict=True) if answer is not None}


def _document(layout: Layout, told: Told | None, health: dict[str, str | None]) -> dict[str, Any]:
    now_s = time.time()
    children = [
        {
            "name": child.name,
            "state": child.state,
            "pid": child.pid,
            "uptime_s": round(now_s - child.since_s, 1)
            if child.pid is not None and child.since_s is not None
            else None,
            "restarts": child.restarts,
            "address": child.address,
            "note": child.note or None,
            "healthy": health[child.name] is None if child.name in health else child.state == "ready",
            "health_reason": health.get(child.name),
        }
        for child in (told.children if told is not None else ())
    ]
    return {
        "running": told is not None,
        "pid": told.pid if told is not None else None,
        "uptime_s": round(now_s - told.started_s, 1) if told is not None else None,
        "url": told.public_url if told is not None else None,
        "data_dir": str(layout.root),
        "children": children,
    }


def _greeting(config: Config) -> list[str]:
    layout = layout_of(config)
    token = config.auth.api_token_file or layout.api_token
    lines = [f"PlayNet is up:   {config.public_url}/", f"data directory:  {layout.root}", f"API token:       {token}"]
    if (local := front_url(config, None)) != config.public_url:
        lines.append(f"from this host:  {local}/")
    return [*lines, f"add a video:     {_this_command()} add FILE --wait"]


def _this_command() -> str:
    """This program as it can be typed here."""
    program = Path(sys.argv[0]).absolute()
    found = shutil.which(program.name)
    if found is not None and Path(found).samefile(program):
        return program.name
    return str(program.relative_to(Path.cwd())) if program.is_relative_to(Path.cwd()) else str(program)
