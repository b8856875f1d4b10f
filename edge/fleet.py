"""A node's place in its fleet, from the settings: the other nodes and the key by which they know each other."""

from ipaddress import ip_address

from edge.core.parents import Fleet
from edge.core.proof import MIN_KEY_BYTES, Prover
from playnet.config import Config, Protect
from playnet.errors import ConfigError
from playnet.layout import Layout, read_secret
from playnet.logs import logger
from playnet.nginx.protection import behind_front
from playnet.ring import Node

log = logger(__name__)

_SETTING = "edge_tuning.parents.key_file"


def joined(config: Config, layout: Layout, name: str) -> tuple[Fleet, Prover] | None:
    """The fleet as this node sees it; None when it asks origins only. ConfigError for a key that cannot be used."""
    parents = config.edge_tuning.parents
    if len(config.edges) == 1 or not (parents.ring or parents.shields):
        return None
    file = parents.key_file
    if file is None:
        if not config.is_one_host or not layout.fleet_key.exists():
            log.warning("edge.asks_origins_only", reason=f"no {_SETTING} that all nodes share")
            return None
        file = layout.fleet_key
    key = read_secret(file, _SETTING)
    nodes = [Node(edge.name, edge.dialled, edge.weight) for edge in config.edges]
    try:
        return Fleet(name, nodes, uses_ring=parents.ring, shields=parents.shields), Prover(name, key.encode())
    except ValueError as exc:
        expected = f"expected at least {MIN_KEY_BYTES} characters" if len(key) < MIN_KEY_BYTES else str(exc)
        raise ConfigError(f"{_SETTING}: {expected}") from exc


def protection(config: Config) -> Protect:
    """What strangers may take of a node; the other nodes of the fleet, where the settings give their addresses, are none."""
    own = behind_front(config.protect)
    nodes = {host for edge in config.edges if (host := edge.dialled.host.strip("[]")) and _is_address(host)}
    return own.model_copy(update={"exempt": tuple(dict.fromkeys((*own.exempt, *sorted(nodes))))})


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
