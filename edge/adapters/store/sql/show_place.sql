-- Which body an entry has. Argument: the key with prefix.
SELECT Place.body, Place.size_bytes FROM Cache JOIN Place ON Place.entry = Cache.rowid WHERE Cache.raw = 1 AND Cache.key = ?
