-- A page of the entries with a surrogate key. Arguments: tag, the last entry of the page before, length of a page.
SELECT Tag.entry, Place.key FROM Tag JOIN Place ON Place.entry = Tag.entry
WHERE Tag.tag = ? AND Tag.entry > ? ORDER BY Tag.entry LIMIT ?
