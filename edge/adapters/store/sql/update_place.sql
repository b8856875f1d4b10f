-- A new record of the same body. Arguments: asked, hot_until, entry.
UPDATE Place SET asked = ?, hot_until = ? WHERE entry = ?
