-- All places in the order in which they were first filled.
SELECT entry, key, body, size_bytes, boot, asked, hot_until, selector FROM Place ORDER BY entry
