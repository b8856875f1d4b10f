"""The front as a process: renders its configuration, keeps nginx alive on it, and takes a changed YAML on SIGHUP.

A new configuration goes live only when the YAML is valid and nginx accepts what was rendered from it; until then
the running one serves on.
"""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

from playnet.asgi.serve import listen
from playnet.config import Address, Config, load
from playnet.errors import PlayNetError, StartupFailed
from playnet.layout import Layout, layout_of
from playnet.logs import logger
from playnet.nginx import Instance, Process, end_orphans, find_nginx, host_process
from playnet.supervise import Child, HttpReady, Supervisor
from playnet.supervise.account import accounts

from .adapters.access_log import AccessLog
from .core.nginx import access_log_path, render

log = logger(__name__)

_DRAIN_S = 10
_ROTATION_CHECK_S = 30


@dataclass(frozen=True, slots=True)
class Front:
    """What stays the same as long as the process lives; the YAML behind it may change."""

    config_file: Path
    data_dir: Path | None
    listen: Address
    access_log: AccessLog
    instance: Instance
    process: Process

    @classmethod
    def prepare(cls, config_file: Path, data_dir: Path | None) -> "Front":
        """Folders and a live configuration. ConfigError, StartupFailed."""
        config, layout = settings(config_file, data_dir)
        instance = Instance(find_nginx(), layout.nginx("lb"))
        end_orphans(instance.folder)
        listen(config.lb.listen).close()  # a taken port is one clear line now, not one of nginx's later
        instance.prepare()
        try:
            layout.logs.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StartupFailed(f"{layout.logs} cannot be made: {exc.strerror}") from exc
        process = instance.process(run_as=accounts(config.site.run_as).services)
        instance.install(render(config, layout, process))
        access_log = AccessLog(Path(access_log_path(layout)))
        return cls(config_file, data_dir, config.lb.listen, access_log, instance, process)

    def renew(self) -> None:
        """Make the YAML as it is now the live configuration. ConfigError leaves the old one."""
        config, layout = settings(self.config_file, self.data_dir)
        self.instance.install(render(config, layout, self.process))


def settings(config_file: Path, data_dir: Path | None) -> tuple[Config, Layout]:
    """The YAML with `data_dir` in place of its own, and the paths that follow. ConfigError."""
    config = load(config_file)
    if data_dir is not None:
        config = config.model_copy(update={"data_dir": data_dir})
    return config, layout_of(config)


def rendered(config_file: Path, data_dir: Path | None) -> str:
    """The nginx.conf of this host's front, without touching anything. ConfigError, StartupFailed."""
    config, layout = settings(config_file, data_dir)
    run_as = accounts(config.site.run_as).services
    return render(config, layout, host_process(layout.nginx("lb"), run_as=run_as))


async def run(config_file: Path, data_dir: Path | None) -> None:
    """Serve until SIGTERM or SIGINT. ConfigError and StartupFailed when it cannot begin."""
    loop, stop, hangup = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hangup.set)
    front = await asyncio.to_thread(Front.prepare, config_file, data_dir)
    nginx = Child(
        name="nginx",
        argv=front.instance.argv,
        ready=HttpReady(front.listen),
        stop_signal=signal.SIGQUIT,
        death_signal=signal.SIGTERM,
        grace_s=_DRAIN_S,
    )
    supervisor, up = Supervisor([nginx]), asyncio.Event()
    failure: StartupFailed | None = None
    async with asyncio.TaskGroup() as group:
        background = [
            group.create_task(_announce(up, front.listen), name="announce"),
            group.create_task(_reload_on(hangup, front, supervisor), name="reload"),
            group.create_task(_rotate(front.access_log, supervisor), name="rotate"),
        ]
        try:
            await supervisor.run(stop, up)
        except StartupFailed as exc:
            failure = exc  # leaves on its own, not within a group
        for task in background:
            task.cancel()
    if failure is not None:
        raise failure


async def _announce(up: asyncio.Event, listen: Address) -> None:
    await up.wait()
    log.info("front.ready", listen=str(listen))


async def _reload_on(hangup: asyncio.Event, front: Front, supervisor: Supervisor) -> None:
    while True:
        await hangup.wait()
        hangup.clear()
        try:
            await asyncio.to_thread(front.renew)
        except PlayNetError as exc:
            log.error("reload.refused", detail=str(exc), code=exc.code)
        else:
            supervisor.signal("nginx", signal.SIGHUP)
            log.info("reload.done", config=str(front.config_file))


async def _rotate(access_log: AccessLog, supervisor: Supervisor) -> None:
    while True:
        await asyncio.sleep(_ROTATION_CHECK_S)
        try:
            rotated = await asyncio.to_thread(access_log.rotate)
        except OSError as exc:
            log.error("access_log.not_rotated", detail=str(exc))
        else:
            if rotated:
                supervisor.signal("nginx", signal.SIGUSR1)
