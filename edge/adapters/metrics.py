"""What a node tells Prometheus: every metric with its meaning and what an operator does about it."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10)


class Metrics:
    """One registry per brain."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, descriptors, CPU of the brain
        self.requests = Counter(
            "playnet_edge_requests",
            "Requests by result: hot (nginx alone), hit, stale, miss, collapsed, revalidated, pass (not cacheable), refused, "
            "error. Many misses of a warm node: the cache is too small (see evictions) or purged too often.",
            ["result"],
            registry=self.registry,
        )
        self.misses = Counter(
            "playnet_edge_misses",
            "Requests that were sent on to an origin or a peer, by their one cause: cold (new to this node), expired (look at "
            "the lifetimes that the origin gives), evicted (the quota is too small, or its file was lost), purged (often: purge "
            "by narrower tags), uncacheable (`playnet inspect` names the rule), bypass (not GET or HEAD, or the viewer "
            "demanded the origin's own answer).",
            ["cause"],
            registry=self.registry,
        )
        self.hits = Counter(
            "playnet_edge_hits",
            "Requests answered from the store by tier: hot (nginx alone), memory (the brain's), disk. Little hot traffic at a "
            "node full of segments: `playnet inspect` says which rule of the hot tree they fail.",
            ["tier"],
            registry=self.registry,
        )
        self.sent_bytes = Counter(
            "playnet_edge_sent_bytes",
            "Body bytes for viewers by where they came from: hot, memory, disk, fill (while they arrive), pass (not kept). "
            "1 - (fill + pass) / all is the byte hit ratio. Of hits by the brain the bytes that were promised count.",
            ["source"],
            registry=self.registry,
        )
        self.hot_reports_lost = Counter(
            "playnet_edge_hot_reports_lost",
            "Lines of nginx's log that could not be read. A growing number: brain and nginx differ in version.",
            registry=self.registry,
        )
        self.fills = Counter(
            "playnet_edge_fills",
            "Upstream exchanges by outcome: stored, validated, private (must not be stored), error (an error status), "
            "unstored (the disk or the quota refused), purged (purged while it ran), failed (no or half an answer).",
            ["outcome"],
            registry=self.registry,
        )
        self.open_fills = Gauge(
            "playnet_edge_open_fills", "Upstream exchanges under way. Growing without end: the origin hangs.",
            registry=self.registry,
        )  # fmt: skip
        self.queue_depth = Gauge(
            "playnet_edge_queue_depth",
            "Work that waits by queue: store (changes and reads of the disk's index; above 100 for long: the disk is too slow), "
            "sweep (bodies that are to be deleted; growing: the disk is too slow), join (1 while slices are copied together).",
            ["queue"],
            registry=self.registry,
        )
        self.first_byte = Histogram(
            "playnet_edge_upstream_first_byte_seconds", "Time until an upstream's head came.",
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.upstream_troubles = Counter(
            "playnet_edge_upstream_troubles",
            "Tries that brought no answer, by parent (peer, origin) and trouble: refused, broke, silent, unusable (a peer that "
            "could not ask further, is behind in the purge log or has another fleet key). Look at that parent.",
            ["parent", "trouble"],
            registry=self.registry,
        )
        self.resumes = Counter(
            "playnet_edge_upstream_resumes",
            "Bodies that broke off in their middle, by outcome: continued, given_up. Growing: the line to the origin is bad.",
            ["outcome"],
            registry=self.registry,
        )
        self.prefetches = Counter(
            "playnet_edge_prefetches",
            "Segments that were expected to be asked for next, by outcome: fetched, hinted (their node was told), held (there "
            "already), ended (behind the last), rated and crowded (too many), paused (busy with viewers), failed; and of those "
            "fetched useful and wasted. More wasted than useful: turn `edge_tuning.prefetch` off.",
            ["outcome"],
            registry=self.registry,
        )
        self.stored_bytes = Gauge("playnet_edge_stored_bytes", "Bodies on disk.", registry=self.registry)
        self.quota_bytes = Gauge("playnet_edge_quota_bytes", "Bound of stored_bytes.", registry=self.registry)
        self.stored_entries = Gauge("playnet_edge_stored_entries", "Entries in the index.", registry=self.registry)
        self.hot_entries = Gauge("playnet_edge_hot_entries", "Entries in the hot tree.", registry=self.registry)
        self.disk_ok = Gauge(
            "playnet_edge_disk_ok",
            "1 while disk and index of the cache work. 0: everything goes through to the origin, and the log says why (`store.ill`): "
            "free, mount or replace the disk; the node comes back by itself.",
            registry=self.registry,
        )
        self.memory_bytes = Gauge(
            "playnet_edge_memory_bytes", "Small bodies at hand; bounded by `memory`.", registry=self.registry
        )
        self.passed_by = Counter(
            "playnet_edge_passed_by",
            "Objects that a full node did not write because nobody had asked for them before (`admission`).",
            registry=self.registry,
        )
        self.unverified_entries = Gauge(
            "playnet_edge_unverified_entries",
            "Entries whose bodies are checked before they are served, after the host lost power. Goes down to 0 by itself.",
            registry=self.registry,
        )
        self.damaged = Counter(
            "playnet_edge_damaged",
            "Bodies that were not what had been written; viewers got them from the origin. Without a power loss before: "
            "replace the disk.",
            registry=self.registry,
        )
        self.evictions = Counter(
            "playnet_edge_evictions",
            "Entries that made room. As many as fills of a warm node: `size` is too small for the audience.",
            registry=self.registry,
        )
        self.refusals = Counter(
            "playnet_edge_refusals",
            "Bodies for which quota or disk had no room; they passed through. Growing: free the disk, or give the node more.",
            registry=self.registry,
        )
        self.storage_failures = Counter(
            "playnet_edge_storage_failures",
            "What disk or index refused, by action. Viewers are served from the origin meanwhile: free or replace the disk.",
            ["action"],
            registry=self.registry,
        )
        self.tasks = Gauge(
            "playnet_edge_tasks", "Tasks of the brain's event loop. Growing without end under steady load: a defect, report it.",
            registry=self.registry,
        )  # fmt: skip
        self.purges = Counter(
            "playnet_edge_purges", "Purge orders applied, by kind; `gap` counts losses of the log.", ["kind"],
            registry=self.registry,
        )  # fmt: skip
        self.revocations = Counter(
            "playnet_edge_revocations",
            "Revocations of playback tokens that were applied, by kind; gap: some were missed, older tokens are refused.",
            ["kind"],
            registry=self.registry,
        )
        self.revocation_log_connected = Gauge(
            "playnet_edge_revocation_log_connected",
            "1 while the log of revocations is followed. 0: revoked tokens may still play here, look at Redis.",
            registry=self.registry,
        )
        self.purge_log_connected = Gauge(
            "playnet_edge_purge_log_connected",
            "1 while the purge log is followed. 0: deleted titles may still be served here, look at Redis.",
            registry=self.registry,
        )
