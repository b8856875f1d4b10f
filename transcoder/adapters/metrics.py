"""Every metric of a transcoder: what it means and what an operator does about it. One registry for each process."""

import resource
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600)


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@dataclass(slots=True)
class Metrics:
    """Counters and gauges, ready to be counted up."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    ended: Counter = field(init=False)
    seconds: Histogram = field(init=False)
    running: Gauge = field(init=False)
    away: Counter = field(init=False)

    def __post_init__(self) -> None:
        self.ended = Counter(
            "playnet_transcoder_tasks",
            "Tasks that ended, by kind and ending. `broken` rising: read the log for the tool's last words.",
            ["kind", "ending"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "playnet_transcoder_task_seconds",
            "Wall clock of a task from its start to its ending. Video growing against media length: add workers or hosts.",
            ["kind"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.running = Gauge(
            "playnet_transcoder_running",
            "Tasks under way in this process. Always at the number of workers while assets wait: add hosts.",
            registry=self.registry,
        )
        self.away = Counter(
            "playnet_transcoder_database_away",
            "Times that the database did not answer. Rising: look at PostgreSQL and the network to it.",
            registry=self.registry,
        )
        cpu = Gauge(
            "playnet_transcoder_children_cpu_seconds",
            "CPU time of all ended ffmpeg and ffprobe processes. What encoding costs.",
            registry=self.registry,
        )
        cpu.set_function(_children_cpu_s)
