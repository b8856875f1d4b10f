"""Where the origin touches the world: PostgreSQL, the object store, Redis, the clock."""
