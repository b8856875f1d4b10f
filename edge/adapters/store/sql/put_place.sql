-- A new body. Arguments: entry, key, body, size_bytes, boot, asked, hot_until, selector.
INSERT OR REPLACE INTO Place (entry, key, body, size_bytes, boot, asked, hot_until, selector)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
