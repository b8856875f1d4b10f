-- Surrogate keys, one row for each of every entry.
CREATE TABLE IF NOT EXISTS Tag (tag TEXT NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (tag, entry)) WITHOUT ROWID
