"""One bounded run of wrk against one contender, and what that cost in CPU."""

import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.processes import cpu_s
from bench.rounds import Sample

from .contenders import Contender
from .servers import binary

_SETTLE_S: Final = 5.0
_SCRIPT: Final = """
local n = 0
request = function()
  n = n %% %(objects)d + 1
  return wrk.format('GET', '%(prefix)s' .. n .. '.m4s')
end
done = function(summary)
  local e = summary.errors
  io.stderr:write(string.format('%%d %%d %%d', summary.bytes, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked for: all `objects` of one size in turn."""

    size_bytes: int
    connections: int
    objects: int
    seconds: int


def measure(contender: Contender, load: Load, folder: Path, wire_bytes: int) -> Sample:
    """CPU µs per request, requests per second, and CPU µs of wrk per request.

    Requests are counted by bytes, so that bodies under way at the end count for their part. RuntimeError for any error.
    """
    script = folder / "turn.lua"
    prefix = contender.path(load.size_bytes, 0).removesuffix("0.m4s")
    script.write_text(_SCRIPT % {"objects": load.objects, "prefix": prefix})
    argv = [
        binary("wrk"),
        "-t1",
        f"-c{load.connections}",
        f"-d{load.seconds}s",
        "-s",
        str(script),
        contender.server.url,
    ]
    before, clients_before = cpu_s(contender.server.pid), _children_s()
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    spent = _settled(contender.server.pid, contender.settle_s) - before
    read_bytes, micros, errors = map(int, done.stderr.split())
    if errors:
        raise RuntimeError(f"{contender.name}: {errors} errors under wrk:\n{done.stdout}")
    requests = read_bytes / wire_bytes
    return Sample(spent / requests * 1e6, requests / (micros / 1e6), (_children_s() - clients_before) / requests * 1e6)


def _children_s() -> float:
    """CPU seconds of all programs that were waited for: of wrk, when it has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _settled(pid: int, quiet_s: float) -> float:
    """CPU seconds once what a server does afterwards (reading its log) is over, or after a while."""
    end, before = time.monotonic() + _SETTLE_S, cpu_s(pid)
    while time.monotonic() < end:
        time.sleep(quiet_s)
        now = cpu_s(pid)
        if now - before < 0.011:  # one tick: everybody has timers
            return now
        before = now
    return before
