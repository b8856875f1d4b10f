-- Surrogate keys of an entry. Argument: entry.
SELECT tag FROM Tag WHERE entry = ? ORDER BY tag
