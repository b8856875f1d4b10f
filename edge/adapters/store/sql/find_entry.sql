-- The number of an entry. Argument: its key with prefix.
SELECT rowid FROM Cache WHERE raw = 1 AND key = ?
