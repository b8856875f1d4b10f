"""`python -m edge.simulate`, what `playnet cache simulate` runs: the nodes' eviction and admission over a trace.

Every policy with every admission at every size sees the trace in one pass; shares of the footprint need one pass more, to measure it.
"""

import argparse
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edge.adapters.traces import FORMATS, Trace, guessed_format
from edge.core.admission import ADMISSIONS
from edge.core.eviction import POLICIES
from edge.core.simulation import Cache, Demand, Footprint, footprint, simulate
from playnet.cli.output import err, out, print_json, tell
from playnet.config.units import parse_size
from playnet.errors import ConfigError, PlayNetError

_MAX_CACHES: Final = 64


@dataclass(frozen=True, slots=True)
class Quota:
    """A size as it was asked for: bytes, or a share of the footprint."""

    text: str
    size_bytes: int | None = None
    percent: float | None = None

    def resolved(self, whole: Footprint | None) -> int:
        """In bytes. `whole` must be there for shares; ConfigError when nothing is left of it."""
        if self.size_bytes is not None:
            return self.size_bytes
        assert whole is not None
        assert self.percent is not None
        if size_bytes := int(whole.size_bytes * self.percent / 100):
            return size_bytes
        raise ConfigError(f"--size {self.text}: less than one byte of a footprint of {whole.size_bytes}")


@dataclass(frozen=True, slots=True)
class Run:
    """One cache, named as it was asked for."""

    policy: str
    admission: str
    size: str
    cache: Cache


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 wrong usage, a trace that cannot be read or is broken."""
    args = _parser().parse_args(argv)
    try:
        _simulate(args)
    except PlayNetError as exc:
        return tell(exc, as_json=args.json)
    except KeyboardInterrupt:
        return 130  # 128 and SIGINT, as shells count
    return 0


def parse_quota(text: str) -> Quota:
    """`10GiB` or `10%`. Raises ConfigError."""
    number = text.removesuffix("%")
    try:
        shared = number != text
        quota = Quota(text, percent=float(number)) if shared else Quota(text, size_bytes=parse_size(text))
    except ValueError as exc:
        raise ConfigError(f"--size {text}: expected a size such as 10GiB, or a share such as 10%") from exc
    if (quota.size_bytes is not None and quota.size_bytes < 1) or (
        quota.percent is not None and not 0 < quota.percent <= 100
    ):
        raise ConfigError(f"--size {text}: expected at least one byte, or a share above 0% and up to 100%")
    return quota


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="playnet cache simulate",
        description="Miss ratios that the eviction policies of the edge would have had on a trace.",
        allow_abbrev=False,
    )
    parser.add_argument("--trace", type=Path, required=True, metavar="FILE", help="requests; .xz is decompressed")
    parser.add_argument(
        "--size", required=True, metavar="S[,S...]", help="quotas: 10GiB, or 10%% of all distinct objects' bytes"
    )
    parser.add_argument(
        "--policy", default=",".join(POLICIES), metavar="P[,P...]", help=f"some of {', '.join(POLICIES)}; default: all"
    )
    parser.add_argument(
        "--admission", default="always", metavar="A[,A...]",
        help=f"what a full cache writes: some of {', '.join(ADMISSIONS)}; default: always",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=FORMATS,
        help="csv (time,key,size), oracle (libCacheSim's oracleGeneral), web12 (big-endian uint32, sizes 1); "
        "default: by the file's name",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return parser


def _simulate(args: argparse.Namespace) -> None:
    policies, admissions = _chosen("policy", args.policy, POLICIES), _chosen("admission", args.admission, ADMISSIONS)
    quotas = [parse_quota(text.strip()) for text in args.size.split(",")]
    if len(policies) * len(admissions) * len(quotas) > _MAX_CACHES:
        raise ConfigError(f"--size, --policy, --admission: more than {_MAX_CACHES} caches at once")
    needs_footprint = any(quota.percent is not None for quota in quotas)
    with _progress(args.trace, passes=2 if needs_footprint else 1) as told:
        trace = Trace(args.trace, args.format or guessed_format(args.trace), told)
        whole = footprint(trace) if needs_footprint else None
        runs = [
            Run(policy, name, quota.text, Cache(POLICIES[policy](), quota.resolved(whole), ADMISSIONS[name](b"")))
            for quota in quotas
            for policy in policies
            for name in admissions
        ]
        demand = simulate(trace, [run.cache for run in runs])
    if not demand.requests:
        raise ConfigError(f"{args.trace}: the trace has no requests")
    if args.json:
        print_json(_document(trace, demand, whole, runs))
    else:
        _print(demand, whole, runs)


def _chosen(option: str, text: str, known: Collection[str]) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise ConfigError(f"--{option} {name}: expected some of {', '.join(known)}")
    return names


@contextmanager
def _progress(path: Path, *, passes: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, on terminals only, over the bytes of all passes."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        size_bytes = path.stat().st_size if path.is_file() else 0
        task = bars.add_task(path.name, total=size_bytes * passes)
        yield lambda read_bytes: bars.advance(task, read_bytes)


def _ratio(part: int, whole: int) -> float:
    """Traces without bytes have no byte misses."""
    return round(part / whole, 6) if whole else 0.0


def _document(trace: Trace, demand: Demand, whole: Footprint | None, runs: Sequence[Run]) -> dict[str, object]:
    return {
        "trace": str(trace.path),
        "format": trace.format,
        "requests": demand.requests,
        "requested_bytes": demand.requested_bytes,
        "footprint": {"objects": whole.objects, "size_bytes": whole.size_bytes} if whole is not None else None,
        "runs": [
            {
                "policy": run.policy,
                "admission": run.admission,
                "size": run.size,
                "size_bytes": run.cache.quota_bytes,
                "misses": run.cache.misses,
                "missed_bytes": run.cache.missed_bytes,
                "written_bytes": run.cache.written_bytes,
                "evictions": run.cache.evictions,
                "object_miss_ratio": _ratio(run.cache.misses, demand.requests),
                "byte_miss_ratio": _ratio(run.cache.missed_bytes, demand.requested_bytes),
            }
            for run in runs
        ],
    }


def _print(demand: Demand, whole: Footprint | None, runs: Sequence[Run]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("size", "bytes", "policy", "admission", "misses", "of bytes", "written", "evictions"):
        table.add_column(heading, justify="left" if heading in {"size", "policy", "admission"} else "right")
    for run in runs:
        cache = run.cache
        table.add_row(
            run.size,
            str(cache.quota_bytes),
            run.policy,
            run.admission,
            f"{_ratio(cache.misses, demand.requests):.4f}",
            f"{_ratio(cache.missed_bytes, demand.requested_bytes):.4f}",
            f"{_ratio(cache.written_bytes, demand.requested_bytes):.4f}",
            str(cache.evictions),
        )
    out.print(f"{demand.requests} requests for {decimal(demand.requested_bytes)}")
    if whole is not None:
        out.print(f"{whole.objects} objects of {decimal(whole.size_bytes)}")
    out.print(table)


if __name__ == "__main__":
    sys.exit(main())
