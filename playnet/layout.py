"""Where things stand inside the data directory, and how services reach the embedded PostgreSQL and Redis.

One path arithmetic for the supervisor, the services and the CLI. Creates nothing.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from playnet.config import Config
from playnet.errors import ConfigError

# sun_path holds 108 bytes with its NUL; the longest socket name in `run` is `edge-<32>.brain.sock`.
_LONGEST_RUN_DIR = 107 - len("/" + "e" * 32 + ".brain.sock")


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below one data directory."""

    root: Path

    @property
    def run(self) -> Path:
        """Unix sockets and pid files: empty when the appliance is down."""
        return self.root / "run"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    @property
    def staging(self) -> Path:
        """Uploads on their way to the store; swept at start."""
        return self.root / "staging"

    @property
    def work(self) -> Path:
        """Scratch space of transcoder tasks; swept at start."""
        return self.root / "work"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        """0700; files in it 0600."""
        return self.root / "secrets"

    @property
    def api_token(self) -> Path:
        return self.secrets / "api-token"

    @property
    def fleet_key(self) -> Path:
        """By which the nodes of this host know each other."""
        return self.secrets / "fleet-key"

    @property
    def token_keys(self) -> Path:
        """Keys of playback tokens."""
        return self.secrets / "token-keys.json"

    def edge(self, name: str) -> Path:
        """Cache folder of a node that names none."""
        return self.root / "edges" / name

    def nginx(self, role: str) -> Path:
        """Rendered configuration, temp folders and pid of one nginx (`lb`, or an edge's name)."""
        return self.root / "nginx" / role

    def brain_socket(self, edge: str) -> Path:
        return self.run / f"{edge}.brain.sock"

    def hot_reports(self, edge: str) -> Path:
        """File in which a brain reads of its nginx's direct hits."""
        return self.run / f"{edge}.hot.log"

    @property
    def transcoder_socket(self) -> Path:
        """`/readyz` and `/metrics` of this host's transcoder."""
        return self.run / "transcoder.sock"


def layout_of(config: Config) -> Layout:
    """The data directory of a configuration. ConfigError when its unix sockets would not fit the kernel's limit."""
    root = config.data_dir or _default_root()
    layout = Layout(root)
    if len(os.fsencode(layout.run)) > _LONGEST_RUN_DIR:
        raise ConfigError(
            f"data_dir {root}: too long for unix sockets (at most {_LONGEST_RUN_DIR - len('/run')} bytes): choose a shorter path"
        )
    return layout


def _default_root() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/playnet")
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "playnet"


def database_dsn(config: Config, layout: Layout) -> str:
    """libpq URL of the database. ConfigError when the named file cannot be read."""
    if config.database.dsn_file is not None:
        return read_secret(config.database.dsn_file, "database.dsn_file")
    return f"postgresql://playnet@/playnet?host={quote(str(layout.run), safe='')}"


def redis_url(config: Config, layout: Layout) -> str:
    """URL for redis-py. ConfigError when the named file cannot be read."""
    if config.redis.url_file is not None:
        return read_secret(config.redis.url_file, "redis.url_file")
    return f"unix://{layout.run / 'redis.sock'}"


def read_secret(path: Path, setting: str) -> str:
    """First line of a secret's file. ConfigError names the setting, never the content."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{setting}: {path} cannot be read: {exc}") from exc
    if not lines or not lines[0].strip():
        raise ConfigError(f"{setting}: {path} is empty")
    return lines[0].strip()
