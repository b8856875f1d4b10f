-- Arguments: tag, entry.
INSERT OR IGNORE INTO Tag (tag, entry) VALUES (?, ?)
