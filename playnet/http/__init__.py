"""HTTP caching rules as pure functions: fields, dates, directives, freshness, ranges, preconditions, Cache-Status."""
