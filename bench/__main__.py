"""`make bench`: every comparison, or those that are named: `python -m bench hits encode`."""

import sys

from bench import encode, eviction, hits

_BENCHES = {"hits": hits.run, "encode": encode.run, "eviction": eviction.run}


def main() -> int:
    """Exit code 2 names what there is."""
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
