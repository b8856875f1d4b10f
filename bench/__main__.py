"""`make bench`: every comparison, or those that are named: `python -m bench encode eviction`.

`python -m bench edge` takes options of its own behind its name: `--help` tells them.
"""

import sys

from bench import bodies, catalogue, encode, eviction, signals, store, tokens
from bench.edge import command as edge

_BENCHES = {
    "bodies": bodies.run,
    "catalogue": catalogue.run,
    "edge": lambda: edge.main([]),
    "encode": encode.run,
    "eviction": eviction.run,
    "signals": signals.run,
    "store": store.run,
    "tokens": tokens.run,
}


def main() -> int:
    """Exit code 2 names what there is."""
    if sys.argv[1:2] == ["edge"]:
        return edge.main(sys.argv[2:])
    names = sys.argv[1:] or list(_BENCHES)
    unknown = [name for name in names if name not in _BENCHES]
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are {', '.join(_BENCHES)}", file=sys.stderr)
        return 2
    for name in names:
        _BENCHES[name]()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
