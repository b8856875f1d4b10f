-- Argument: entry.
DELETE FROM Tag WHERE entry = ?
