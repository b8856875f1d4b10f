-- The last of the three: the others find their rows by it. Argument: JSON array of keys with prefix.
DELETE FROM Cache WHERE raw = 1 AND key IN (SELECT value FROM json_each(?))
