-- What a node must know of every entry when it starts, without reading the records: entry is the rowid in Cache.
CREATE TABLE IF NOT EXISTS Place (
    entry INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    boot INTEGER NOT NULL,      -- the boot during which the body was written or verified last
    asked REAL NOT NULL,        -- when the origin was asked, for the marks
    hot_until REAL,             -- NULL: never in the hot tree
    selector TEXT               -- JSON, NULL without Vary
)
