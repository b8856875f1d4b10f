-- Forget places, give back what stood there. Argument: JSON array of keys with prefix.
DELETE FROM Place WHERE entry IN (SELECT rowid FROM Cache WHERE raw = 1 AND key IN (SELECT value FROM json_each(?)))
RETURNING body, size_bytes
