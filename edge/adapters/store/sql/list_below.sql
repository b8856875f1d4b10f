-- A page of the keys within a range. Arguments: first key, the last key of the page before, end, length of a page.
SELECT key FROM Cache WHERE raw = 1 AND key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?
