"""One cache node as processes: what it is told, its folders, and its two children, brain and nginx.

nginx does not depend on the brain's life: while that one restarts, the hot tree is served on.
"""

import asyncio
import os
import pwd
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from edge.adapters.viewer.gate import TokenSettings
from edge.app import Brain
from edge.core.nginx import Node, render
from edge.core.sealed import NJS_MODULE, Tokens
from edge.fleet import joined, protection
from playnet.asgi.serve import listen
from playnet.config import LOOPBACK, Address, Config, Protect
from playnet.errors import ConfigError, StartupFailed
from playnet.layout import Layout, redis_url
from playnet.logs import logger
from playnet.nginx import Instance, end_orphans, find_nginx
from playnet.supervise import Child, HttpReady, Supervisor
from playnet.supervise.account import accounts, hand_over
from playnet.token_keys import ensure_token_keys, rules_of, token_keys_file
from playnet.tokens import Rules

log = logger(__name__)

_SUN_PATH_BYTES: Final = 107
_REVOKED: Final = "revoked"  # folder below the cache
_DRAIN_S: Final = 10
_DEFAULT_CONNECT_S, _DEFAULT_READ_S, _DEFAULT_NEGATIVE_S = 3.0, 20.0, 5.0
_DEFAULT_MAX_OBJECT = _DEFAULT_SPARE = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A node before it starts. `run_as`: account of both children when we are root.

    `believes`: networks of the fronts that name their clients in X-Forwarded-For; tokens may be bound to those.
    `makes_keys`: the key file is this host's own.
    """

    brain: Brain
    listen: Address
    nginx_folder: Path
    brain_socket: Path
    reports: Path
    run_as: str
    protect: Protect = field(default_factory=Protect)
    believes: tuple[str, ...] = ()
    makes_keys: bool = False

    def __post_init__(self) -> None:
        if len(os.fsencode(self.brain_socket)) > _SUN_PATH_BYTES:
            raise ConfigError(f"{self.brain_socket} is too long for a unix socket: choose a shorter folder")


def from_config(config: Config, layout: Layout, name: str) -> Setup:
    """The node of that name in the YAML. ConfigError when there is none."""
    try:
        edge = config.edge(name)
    except KeyError as exc:
        known = ", ".join(edge.name for edge in config.edges)
        raise ConfigError(f"--name {name}: the configuration has no such edge (it has {known})") from exc
    tuning, cache = config.edge_tuning, edge.cache_dir or layout.edge(name)
    fleet, prover = joined(config, layout, name) or (None, None)
    brain = Brain(
        name=edge.name,
        origins=tuple(f"http://{address}" for address in config.origins),
        cache=cache,
        size_bytes=edge.size,
        max_object_bytes=tuning.max_object,
        slice_bytes=tuning.slice_size,
        connect_s=tuning.connect_timeout,
        read_s=tuning.read_timeout,
        policy=tuning.policy,
        spare_bytes=tuning.free_space,
        admission=tuning.admission,
        memory_bytes=tuning.memory,
        reports=layout.hot_reports(name),
        redis_url=redis_url(config, layout),
        honour_request_directives=tuning.honour_request_directives,
        negative_s=tuning.negative_ttl,
        fleet=fleet,
        prover=prover,
        prefetch=tuning.prefetch and (len(config.edges) == 1 or (fleet is not None and tuning.parents.ring)),
        tokens=TokenSettings(token_keys_file(config, layout), cache / _REVOKED, rules_of(config)),
    )
    return Setup(
        brain=brain,
        believes=config.protect.trusted or LOOPBACK,
        makes_keys=config.tokens.keys_file is None,
        listen=edge.listen,
        nginx_folder=layout.nginx(name),
        brain_socket=layout.brain_socket(name),
        reports=layout.hot_reports(name),
        run_as=config.site.run_as,
        protect=protection(config),
    )


def standalone(
    *, name: str, origins: Sequence[str], where: Address, cache: Path, size_bytes: int, token_keys: Path | None = None
) -> Setup:
    """A node in front of any HTTP origin: no YAML, no Redis, everything below `cache`. ConfigError.

    Without `token_keys` nothing is special below `/t/`, and what an origin calls private is for nobody.
    """
    reports = cache / "run" / "hot.log"
    brain = Brain(
        name=name,
        origins=tuple(origins),
        cache=cache,
        size_bytes=size_bytes,
        max_object_bytes=_DEFAULT_MAX_OBJECT,
        connect_s=_DEFAULT_CONNECT_S,
        read_s=_DEFAULT_READ_S,
        negative_s=_DEFAULT_NEGATIVE_S,
        spare_bytes=_DEFAULT_SPARE,
        prefetch=True,
        reports=reports,
        tokens=TokenSettings(token_keys, cache / _REVOKED, Rules()) if token_keys is not None else None,
    )
    return Setup(
        brain=brain,
        listen=where,
        nginx_folder=cache / "nginx",
        brain_socket=cache / "run" / "brain.sock",
        reports=reports,
        run_as="playnet",
    )


async def run(setup: Setup, brain_argv: Sequence[str]) -> None:
    """Keep brain and nginx alive until SIGTERM or SIGINT. ConfigError, StartupFailed."""
    loop, stop, up = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    children = await asyncio.to_thread(_prepared, setup, brain_argv)
    failure: StartupFailed | None = None
    async with asyncio.TaskGroup() as group:
        announce = group.create_task(_announce(up, setup), name="announce")
        try:
            await Supervisor(children).run(stop, up)
        except StartupFailed as exc:
            failure = exc  # leaves on its own, not within a group
        announce.cancel()
    if failure is not None:
        raise failure


async def _announce(up: asyncio.Event, setup: Setup) -> None:
    await up.wait()
    log.info("edge.ready", node=setup.brain.name, listen=str(setup.listen))


def _prepared(setup: Setup, brain_argv: Sequence[str]) -> list[Child]:
    """Folders, a configuration that nginx accepts, and the children to start."""
    end_orphans(setup.nginx_folder)
    listen(setup.listen).close()  # a taken port is one clear line now, not one of nginx's later
    chosen = accounts(setup.run_as)
    if chosen.note:
        log.warning("edge.keeps_root", reason=chosen.note)
    for folder in (setup.brain.cache, setup.brain_socket.parent):
        _own(folder, chosen.services)
    if setup.makes_keys and setup.brain.tokens is not None:
        _make_keys(setup.brain.tokens.keys, chosen.services)
    _make_file(setup.reports, chosen.services)  # before nginx, which would make it root's
    instance = Instance(find_nginx(), setup.nginx_folder)
    instance.prepare()
    _install(instance, setup, chosen.services)
    brain = Child(
        name="brain",
        argv=(sys.executable, "-m", "edge", *brain_argv, "--brain"),
        ready=HttpReady(setup.brain_socket),
        user=chosen.services,
        grace_s=_DRAIN_S + 5,
    )
    nginx = Child(
        name="nginx",
        argv=instance.argv,
        ready=HttpReady(setup.listen),
        needs=("brain",),
        stop_signal=signal.SIGQUIT,
        death_signal=signal.SIGTERM,
        grace_s=_DRAIN_S,
    )
    return [brain, nginx]


def longest_wait_s(brain: Brain) -> float:
    """Until the last of all upstreams has been waited for: two owners and a shield, half as long each, then the origins."""
    peers = 0 if brain.fleet is None else 3
    return (brain.connect_s * 2 + brain.read_s) * (1 + peers / 2) + brain.connect_s * len(brain.origins)


def _make_keys(path: Path, user: str | None) -> None:
    if path.exists():
        return
    ensure_token_keys(path)
    if user is not None:
        hand_over(path, user)
        hand_over(path.parent, user)


def _make_file(path: Path, user: str | None) -> None:
    try:
        path.touch(mode=0o644)
        if user is not None:
            hand_over(path, user)
    except OSError as exc:
        raise StartupFailed(f"{path} cannot be prepared: {exc.strerror}") from exc


def _install(instance: Instance, setup: Setup, user: str | None) -> None:
    """The configuration, with njs where the host has one that works. What it does without is said once."""
    tokens = setup.brain.tokens
    if tokens is None:
        instance.install(render(_node(instance, setup, user, None)))
        return
    module = instance.binary.module(NJS_MODULE)
    plain = Tokens(module=None, keys=tokens.keys, revoked=tokens.revoked, rules=tokens.rules)
    if module is not None:
        try:
            instance.install(render(_node(instance, setup, user, replace(plain, module=module))))
        except ConfigError as exc:
            log.warning("edge.njs_refused", reason=str(exc), effect="the brain checks every playback token")
        else:
            return
    else:
        log.info("edge.no_njs", effect="the brain checks every playback token", package="libnginx-mod-http-js")
    instance.install(render(_node(instance, setup, user, plain)))


def _node(instance: Instance, setup: Setup, user: str | None, tokens: Tokens | None) -> Node:
    return Node(
        name=setup.brain.name,
        listen=setup.listen,
        hot=setup.brain.cache / "hot",
        bodies=setup.brain.cache / "bodies",
        brain=setup.brain_socket,
        reports=setup.reports,
        process=instance.process(run_as=user),
        protect=setup.protect,
        brain_timeout_s=longest_wait_s(setup.brain) + 5,
        tokens=tokens,
        believes=setup.believes,
    )


def _own(folder: Path, user: str | None) -> None:
    """Make a folder, and everything in it, the account's; a folder that is already is not walked again."""
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        if user is None or folder.stat().st_uid == pwd.getpwnam(user).pw_uid:
            return
        for parent, _, names in os.walk(folder):
            for name in names:
                hand_over(Path(parent, name), user)
            hand_over(Path(parent), user)
    except OSError as exc:
        raise StartupFailed(f"{folder} cannot be prepared: {exc.strerror}") from exc
