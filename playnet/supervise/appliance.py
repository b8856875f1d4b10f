"""Which processes make one box, in what order, as whom. Starts nothing."""

import sys
from dataclasses import dataclass

from playnet.config import Config
from playnet.layout import Layout
from playnet.nginx import find_nginx

from .account import Accounts
from .child import Child
from .engines import PostgresPrograms, find_postgres, find_redis, postgres_child, redis_child
from .premises import settings_file
from .ready import HttpReady, Ready

_FIRST_UNPRIVILEGED_PORT = 1024
_GRACE_S = 25.0  # above the 10 s that a service gives to requests in flight
_FAMILY_GRACE_S = 45.0  # an edge or a front stops children of its own first


@dataclass(frozen=True, slots=True)
class Programs:
    """What the host must have; None where the YAML names a server of the operator's."""

    postgres: PostgresPrograms | None
    redis: str | None


def find_programs(config: Config, layout: Layout) -> Programs:
    """StartupFailed, in one line, for the first program that is missing."""
    postgres = find_postgres(layout.postgres) if config.database.dsn_file is None else None
    redis = find_redis() if config.redis.url_file is None else None
    find_nginx()
    return Programs(postgres, redis)


def children(config: Config, layout: Layout, programs: Programs, accounts: Accounts) -> tuple[Child, ...]:
    """The whole appliance. The front needs all others, so it is the last to open and the first to close."""
    engines = []
    if programs.postgres is not None:
        engines.append(postgres_child(programs.postgres, layout, accounts.engines))
    if programs.redis is not None:
        engines.append(redis_child(programs.redis, layout, accounts.engines))
    origin = _origin(config, layout, accounts, tuple(engine.name for engine in engines))
    transcoder = _transcoder(layout, accounts)
    edges = _edges(config, layout, accounts, ("redis",) if programs.redis is not None else ())
    front = _front(config, layout, accounts, (origin.name, *(edge.name for edge in edges)))
    return (*engines, origin, transcoder, *edges, front)


def probes(config: Config, layout: Layout) -> dict[str, Ready]:
    """How each process, by child's name, is asked whether it is ready. A running one may hang: only asking tells."""
    engines = {}
    if config.database.dsn_file is None:
        engines["postgres"] = postgres_child(find_postgres(layout.postgres), layout, None).ready
    if config.redis.url_file is None:
        engines["redis"] = redis_child(find_redis(), layout, None).ready
    return {
        **engines,
        "origin": HttpReady(config.origin.listen),
        "transcoder": HttpReady(layout.transcoder_socket),
        **{edge.name: HttpReady(edge.listen) for edge in config.edges},
        "lb": HttpReady(config.lb.listen),
    }


def role_argv(layout: Layout, role: str, *options: str) -> tuple[str, ...]:
    """The command that runs one service in the foreground."""
    return (sys.executable, "-m", role, "--config", str(settings_file(layout)), *options)


def _origin(config: Config, layout: Layout, accounts: Accounts, needs: tuple[str, ...]) -> Child:
    return Child(
        name="origin",
        argv=role_argv(layout, "origin"),
        ready=HttpReady(config.origin.listen),
        user=accounts.services,
        low_ports=config.origin.listen.port < _FIRST_UNPRIVILEGED_PORT,
        needs=needs,
        grace_s=_GRACE_S,
        ready_timeout_s=120,  # brings the schema up to date
        log=layout.logs / "origin.log",
        address=str(config.origin.listen),
    )


def _transcoder(layout: Layout, accounts: Accounts) -> Child:
    return Child(
        name="transcoder",
        argv=role_argv(layout, "transcoder"),
        ready=HttpReady(layout.transcoder_socket),
        user=accounts.services,
        needs=("origin",),  # which brings the schema up to date
        grace_s=_GRACE_S,
        log=layout.logs / "transcoder.log",
        address=str(layout.transcoder_socket),
    )


def _edges(config: Config, layout: Layout, accounts: Accounts, needs: tuple[str, ...]) -> list[Child]:
    return [
        Child(
            name=edge.name,
            argv=role_argv(layout, "edge", "--name", edge.name),
            ready=HttpReady(edge.listen),
            user=accounts.services,
            low_ports=edge.listen.port < _FIRST_UNPRIVILEGED_PORT,
            needs=needs,
            grace_s=_FAMILY_GRACE_S,
            log=layout.logs / f"{edge.name}.log",
            address=str(edge.listen),
        )
        for edge in config.edges
    ]


def _front(config: Config, layout: Layout, accounts: Accounts, needs: tuple[str, ...]) -> Child:
    return Child(
        name="lb",
        argv=role_argv(layout, "lb"),
        ready=HttpReady(config.lb.listen),
        user=accounts.services,
        low_ports=config.lb.listen.port < _FIRST_UNPRIVILEGED_PORT,
        needs=needs,
        grace_s=_FAMILY_GRACE_S,
        log=layout.logs / "lb.log",
        address=str(config.lb.listen),
    )
