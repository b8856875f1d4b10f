"""Where a cache node touches the world: disk, index, upstreams, nginx's log, the purge log."""
