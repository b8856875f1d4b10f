-- Argument: JSON array of keys with prefix.
DELETE FROM Tag WHERE entry IN (SELECT rowid FROM Cache WHERE raw = 1 AND key IN (SELECT value FROM json_each(?)))
