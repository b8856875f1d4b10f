"""Every setting of the appliance: default, bounds and the reason, declared once.

The JSON Schema, `configs/reference.yaml` and `docs/settings.md` are generated from these models.
Objects are frozen after load and passed in, never global. Secrets stand in files, never here.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from .auth import AUTH_SHAPES, Auth
from .protect import PROTECT_SHAPES, Protect
from .section import NAME, Name, Section
from .units import Address, Bitrate, Duration, ListenAddress, Size

_BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
_BASE_URL = r"^https?://[^/\s]+$"
SHAPES = {
    NAME: "1 to 32 lower-case letters, digits and hyphens, no hyphen at either end",
    _BUCKET: "3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends",
    _BASE_URL: "http:// or https:// and a host, perhaps a port, nothing behind it, for example https://video.example.org",
    **AUTH_SHAPES,
    **PROTECT_SHAPES,
}
"""Each pattern of the models in words, for people."""


class Site(Section):
    """The installation as a whole."""

    name: str = Field("PlayNet", min_length=1, max_length=80, description="Shown on pages.")
    public_url: str | None = Field(
        None,
        pattern=_BASE_URL,
        examples=["https://video.example.org"],
        description="Scheme, host and port that viewers use. Without it, the front's listen address.",
    )
    run_as: Name = Field(
        "playnet",
        description="Account of the services when the appliance is started as root; `make setup` creates it. "
        "Started by anybody else, everything runs as that user.",
    )


class S3(Section):
    """Any S3 server. Only plain calls are used: no tags, no ACLs, no conditional PUT."""

    endpoint: ListenAddress = Field(description="The server.", examples=["s3.example.org:443"])
    bucket: str = Field(pattern=_BUCKET, description="Must exist.", examples=["playnet"])
    region: str = Field("us-east-1", min_length=1, description="As the server names it.")
    tls: bool = Field(True, description="Speak HTTPS to the endpoint.")
    access_key_file: Path = Field(
        description="File that holds the access key, readable by `site.run_as` only.",
        examples=["/etc/playnet/s3-access-key"],
    )
    secret_key_file: Path = Field(
        description="File that holds the secret key, readable by `site.run_as` only.",
        examples=["/etc/playnet/s3-secret-key"],
    )
    part_size: Size = Field(
        "16MiB", ge=5 << 20, le=5 << 30, validate_default=True,
        description="Multipart unit; memory of one upload is about three times this.",
    )  # fmt: skip


class Storage(Section):
    """Where sources and encoded media are kept."""

    kind: Literal["file", "s3"] = Field(
        "file", description="`file` for one box, `s3` as soon as there is a second host."
    )
    path: Path | None = Field(
        None,
        description="Folder of the objects for `file`. Without it, DATA_DIR/objects.",
        examples=["/srv/playnet/objects"],
    )
    s3: S3 | None = Field(None, description="Needed for `s3`.")

    @model_validator(mode="after")
    def _complete(self) -> "Storage":
        if (self.kind == "s3") != (self.s3 is not None):
            raise ValueError("expected a section `s3` exactly when kind is s3")
        return self


class Database(Section):
    """PostgreSQL 14 or later (tests run on 15): the truth about assets, tasks and purges."""

    dsn_file: Path | None = Field(
        None,
        description="File with the connection string of a server of yours. Without it the appliance runs its own in DATA_DIR/postgres.",
        examples=["/etc/playnet/database-url"],
    )
    pool_size: int = Field(8, ge=2, le=100, description="Connections per service.")
    statement_timeout: Duration = Field(
        "10s", ge=0.1, le=600, validate_default=True, description="A statement that takes longer is cancelled."
    )


class Redis(Section):
    """Redis 6.0 or later (tests run on 7.0): distribution of purges, sessions, sign-ins under way and how often they failed."""

    url_file: Path | None = Field(
        None,
        description="File with a redis:// URL of a server of yours. Without it the appliance runs its own in DATA_DIR/redis.",
        examples=["/etc/playnet/redis-url"],
    )


class Origin(Section):
    """The service that takes uploads and answers what no edge holds."""

    listen: ListenAddress = Field(
        "127.0.0.1:8090", validate_default=True, description="Where this host's origin listens."
    )
    addresses: tuple[ListenAddress, ...] = Field(
        (),
        max_length=32,
        description="Every origin as edges and the front dial it. Empty: `listen`.",
        examples=[["192.0.2.11:8090", "192.0.2.12:8090"]],
    )
    max_source: Size = Field(
        "100GiB", ge=1, le=5 << 40, validate_default=True, description="Largest source that is taken."
    )
    upload_idle: Duration = Field(
        "60s", ge=1, le=3600, validate_default=True, description="An upload that sends nothing for so long is cut off."
    )
    upload_expiry: Duration = Field(
        "24h",
        ge=60,
        le=30 * 86_400,
        validate_default=True,
        description="How long a resumable upload that was broken off waits for its client to come back.",
    )
    restore_within: Duration = Field(
        "7d",
        ge=0,
        le=365 * 86_400,
        validate_default=True,
        description="How long a deleted video can be restored; its objects take their space until then.",
    )
    free_space: Size = Field(
        "1GiB",
        ge=0,
        validate_default=True,
        description="Uploads are refused (507) when less than this would stay free.",
    )


class Rung(Section):
    """One video quality of the ladder."""

    short_side: int = Field(
        ge=64, le=4320, multiple_of=2, description="Pixels of the shorter side; never above the source's."
    )
    max_bitrate: Bitrate = Field(ge=32_000, le=200_000_000, description="Ceiling over any two seconds (VBV).")
    crf: int = Field(23, ge=0, le=51, description="x264 quality below the ceiling; smaller is better and larger.")


_LADDER = (
    {"short_side": 144, "max_bitrate": "200kbps", "crf": 26},
    {"short_side": 360, "max_bitrate": "900kbps", "crf": 24},
    {"short_side": 720, "max_bitrate": "3Mbps", "crf": 23},
    {"short_side": 1080, "max_bitrate": "6Mbps", "crf": 23},
)


def _default_ladder() -> tuple[Rung, ...]:
    return tuple(Rung.model_validate(rung) for rung in _LADDER)


class Transcoder(Section):
    """Encoding of sources into renditions."""

    workers: int = Field(
        1, ge=1, le=64, description="Tasks at once on this host; one ffmpeg uses several cores by itself."
    )
    ffmpeg: str = Field(
        "bundled", min_length=1, description="`bundled` (from the Python package) or the path of a binary."
    )
    ffprobe: str = Field("bundled", min_length=1, description="`bundled` or the path of a binary.")
    sandbox: Literal["best-effort", "required"] = Field(
        "best-effort",
        description="ffmpeg runs without network and sees one file and one folder. Where the kernel refuses part of that, "
        "`best-effort` says so loudly and goes on, `required` does not start.",
    )
    memory: Size = Field(
        "8GiB", ge=512 << 20, le=1 << 40, validate_default=True, description="Bound of one ffmpeg's memory."
    )
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"] = (
        Field("veryfast", description="x264 preset: slower saves bytes and costs CPU.")
    )
    ladder: tuple[Rung, ...] = Field(
        default_factory=_default_ladder, min_length=1, max_length=16, description="Smallest first."
    )
    gop: Duration = Field("2s", ge=0.5, le=10, validate_default=True, description="Distance of key frames.")
    gops_per_segment: int = Field(2, ge=1, le=10, description="Length of a segment in key-frame distances.")
    audio_bitrate: Bitrate = Field(
        "128kbps", ge=32_000, le=512_000, validate_default=True, description="AAC stereo, 48 kHz."
    )
    surround: bool = Field(
        True, description="Keep 5.1 as a rendition of its own beside stereo, where the source has it."
    )
    surround_bitrate: Bitrate = Field(
        "320kbps", ge=96_000, le=1_000_000, validate_default=True, description="AAC 5.1, 48 kHz."
    )
    max_attempts: int = Field(3, ge=1, le=20, description="Starts of one task before it is set aside as failed.")
    lease: Duration = Field(
        "10s",
        ge=2,
        le=600,
        validate_default=True,
        description="A worker silent for so long has lost its task to another.",
    )
    task_timeout: Duration = Field(
        "12h", ge=10, validate_default=True, description="Wall clock of one ffmpeg before it is ended."
    )

    @model_validator(mode="after")
    def _ascending(self) -> "Transcoder":
        sides = [rung.short_side for rung in self.ladder]
        if sides != sorted(set(sides)):
            raise ValueError("expected the ladder's short_side values ascending and distinct")
        return self


class Edge(Section):
    """One cache node: its nginx and its brain."""

    name: Name = Field(description="Identity of the node in logs, metrics and Cache-Status; unique.")
    listen: ListenAddress = Field(description="Where its nginx listens.")
    address: ListenAddress | None = Field(
        None,
        description="How the front dials it, also what the ring hashes. Without it, `listen`.",
        examples=["192.0.2.21:8081"],
    )
    cache_dir: Path | None = Field(
        None,
        description="Folder of the cache, one file system. Without it, DATA_DIR/edges/NAME.",
        examples=["/srv/cache/edge-1"],
    )
    size: Size = Field("10GiB", ge=16 << 20, validate_default=True, description="Quota of cached bodies.")
    weight: int = Field(1, ge=1, le=1000, description="Share of the ring: 160 points for each unit.")

    @property
    def dialled(self) -> Address:
        """The address that the front's `upstream` block names."""
        return self.address or self.listen


class Parents(Section):
    """Whom a node asks for what it lacks before the origin, so that a fleet costs the origin one request per object."""

    ring: bool = Field(
        True,
        description="Ask the node that the front sends this object's viewers to. Matters while the front avoids that node, "
        "after a change of the fleet, and for viewers who come to nodes directly.",
    )
    shields: tuple[Name, ...] = Field(
        (),
        max_length=32,
        description="Names of edges through which all others ask the origin. Useful when the origin is far away or dear.",
        examples=[["edge-1"]],
    )
    key_file: Path | None = Field(
        None,
        description="File with a secret of at least 16 characters, the same on every host, by which nodes know each other. "
        "Without it, DATA_DIR/secrets/fleet-key, made at first start, which serves one host; on several hosts nodes then "
        "ask origins only.",
        examples=["/etc/playnet/fleet-key"],
    )


class EdgeTuning(Section):
    """What all nodes share."""

    connect_timeout: Duration = Field("3s", ge=0.1, le=60, validate_default=True, description="To reach an origin.")
    read_timeout: Duration = Field(
        "20s", ge=0.5, le=600, validate_default=True, description="Longest silence of an origin within a fill."
    )
    max_object: Size = Field(
        "1GiB", ge=1 << 20, validate_default=True, description="Larger responses pass through uncached."
    )
    slice_size: Size = Field(
        "8MiB", ge=64 << 10, le=1 << 30, validate_default=True,
        description="Responses larger than this are kept in slices of it, which come and go alone: a viewer of a part costs "
        "the origin that part. 64KiB times a power of two.",
    )  # fmt: skip
    free_space: Size = Field(
        "1GiB", ge=0, validate_default=True,
        description="Of the cache's file system, left to others: a node gives bytes back rather than fill the disk.",
    )  # fmt: skip
    policy: Literal["s3-fifo", "sieve", "lru", "gdsf"] = Field(
        "s3-fifo",
        description="Who stays in a full cache: `s3-fifo` and `sieve` let what is asked for once pass by, `lru` keeps what was "
        "used last, `gdsf` many small objects rather than few large ones. `playnet cache simulate` compares them.",
    )
    admission: Literal["second-request", "always"] = Field(
        "second-request",
        description="What a full cache writes to its disk: an object only when it is asked for a second time, or `always`. "
        "`second-request` halves what is written, at the price of a few more misses; `playnet cache simulate` says how many.",
    )
    memory: Size = Field(
        "64MiB", ge=0, le=1 << 36, validate_default=True,
        description="Of each node's memory, for bodies up to 64 KiB: playlists, manifests, pictures; 0B: none.",
    )  # fmt: skip
    negative_ttl: Duration = Field(
        "5s", ge=0, le=3600, validate_default=True,
        description="How long a 404, 405, 410, 414 or 501 is kept that says nothing about caching; 0s: not at all.",
    )  # fmt: skip
    parents: Parents = Field(default_factory=Parents)
    prefetch: bool = Field(
        True,
        description="Fetch the next segment of what is being played, or the one that a player names in CMCD, before it is "
        "asked for. Pauses while viewers keep the node busy. Works with one edge, or with `parents.ring`.",
    )
    honour_request_directives: bool = Field(
        False,
        description="Whether viewers may demand validation by Cache-Control in their requests. Then any of them can send "
        "every request on to the origin.",
    )

    @field_validator("slice_size")
    @classmethod
    def _aligned(cls, size: int) -> int:
        if size & (size - 1):
            raise ValueError("expected 64KiB times a power of two, such as 1MiB or 8MiB")
        return size


class LoadBalancer(Section):
    """The front nginx: one address for viewers, a consistent hash to the nodes."""

    listen: ListenAddress = Field(
        "127.0.0.1:8080", validate_default=True, description="Loopback unless told otherwise."
    )
    max_fails: int = Field(
        2, ge=1, le=100, description="Failures within `fail_timeout` that take a node out of the ring."
    )
    fail_timeout: Duration = Field(
        "10s", ge=1, le=3600, validate_default=True, description="How long it stays out before the next try."
    )
    connect_timeout: Duration = Field(
        "1s", ge=0.1, le=60, validate_default=True, description="To reach a node before the next one is asked."
    )
    read_timeout: Duration = Field(
        "30s", ge=1, le=3600, validate_default=True, description="Longest silence of a node or an origin."
    )


class Tokens(Section):
    """Playback tokens: addresses by which private videos are played, until they expire or are revoked."""

    keys_file: Path | None = Field(
        None,
        description="JSON map of key ids and base64 keys, the same on every host; the first signs. Without it, "
        "DATA_DIR/secrets/token-keys.json, made at first start.",
        examples=["/etc/playnet/token-keys.json"],
    )
    life: Duration = Field(
        "6h", ge=10, validate_default=True, description="Of a token that was asked for without saying for how long."
    )
    max_life: Duration = Field(
        "24h", ge=60, le=2_592_000, validate_default=True,
        description="Longest life of any token, and how long nodes remember what was revoked.",
    )  # fmt: skip
    clock_skew: Duration = Field(
        "10s", ge=0, le=300, validate_default=True, description="How far the clocks of hosts may be apart."
    )

    @model_validator(mode="after")
    def _ordered(self) -> "Tokens":
        if self.life > self.max_life:
            raise ValueError("expected a life of at most max_life")
        return self


class Live(Section):
    """Live channels."""

    enabled: Literal[False] = Field(False, description="Only `false`: this version has no live publishing yet.")


class Analytics(Section):
    """What is recorded. It stays on the premises."""

    access_log: bool = Field(
        True, description="The front's JSON access log in DATA_DIR/logs: one line for each request."
    )
    keep_beats: Duration = Field(
        "30d",
        ge=86_400,
        le=3_650 * 86_400,
        validate_default=True,
        description="How long the players' raw reports are kept for analysis. Views, watch time and history do not need them.",
    )


def _default_edges() -> tuple[Edge, ...]:
    listens = {"edge-1": "127.0.0.1:8081", "edge-2": "127.0.0.1:8082"}
    return tuple(Edge.model_validate({"name": name, "listen": listen}) for name, listen in listens.items())


class Config(Section):
    """One appliance, from one box to a fleet: every host reads the same file."""

    site: Site = Field(default_factory=Site)
    data_dir: Path | None = Field(
        None,
        description="Everything that must survive. Without it, /var/lib/playnet for root and ~/.local/state/playnet for others.",
        examples=["/srv/playnet"],
    )
    storage: Storage = Field(default_factory=Storage)
    database: Database = Field(default_factory=Database)
    redis: Redis = Field(default_factory=Redis)
    origin: Origin = Field(default_factory=Origin)
    transcoder: Transcoder = Field(default_factory=Transcoder)
    edges: tuple[Edge, ...] = Field(
        default_factory=_default_edges,
        min_length=1,
        max_length=1000,
        description="The cache nodes: at least one; the ring shares the objects out among them.",
    )
    edge_tuning: EdgeTuning = Field(default_factory=EdgeTuning)
    protect: Protect = Field(default_factory=Protect)
    lb: LoadBalancer = Field(default_factory=LoadBalancer)
    auth: Auth = Field(default_factory=Auth)
    tokens: Tokens = Field(default_factory=Tokens)
    live: Live = Field(default_factory=Live)
    analytics: Analytics = Field(default_factory=Analytics)

    @model_validator(mode="after")
    def _consistent(self) -> "Config":
        names = [edge.name for edge in self.edges]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"expected every edge to have a name of its own: {twice} stands twice")
        strangers = sorted(set(self.edge_tuning.parents.shields) - set(names))
        if strangers:
            raise ValueError(f"expected edge_tuning.parents.shields to be names of edges: there is no {strangers[0]}")
        if self.edge_tuning.parents.shields and self.edge_tuning.parents.key_file is None and not self.is_one_host:
            raise ValueError("expected edge_tuning.parents.key_file, because shields serve edges on several hosts")
        taken = [self.lb.listen, self.origin.listen, *(edge.listen for edge in self.edges)]
        if all(edge.address is None for edge in self.edges) and len(set(taken)) != len(taken):
            twice = next(str(address) for address in taken if taken.count(address) > 1)
            raise ValueError(
                f"expected an address of its own for the front, the origin and every edge: {twice} stands twice"
            )
        return self

    @property
    def is_one_host(self) -> bool:
        """Whether all edges are dialled at one host."""
        return len({edge.dialled.host for edge in self.edges}) == 1

    @property
    def origins(self) -> tuple[Address, ...]:
        """Every origin, as edges and the front dial it."""
        return self.origin.addresses or (self.origin.listen,)

    @property
    def public_url(self) -> str:
        """What viewers' URLs start with; no trailing slash."""
        return self.site.public_url or f"http://{self.lb.listen}"

    def edge(self, name: str) -> Edge:
        """The node of that name. KeyError when there is none."""
        return {edge.name: edge for edge in self.edges}[name]
