-- Bodies were verified. Arguments: boot, JSON array of entries.
UPDATE Place SET boot = ? WHERE entry IN (SELECT value FROM json_each(?))
