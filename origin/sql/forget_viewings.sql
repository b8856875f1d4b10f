-- Part of a viewer's history, and with it where they were. $1 viewer, $2 assets.
delete from viewing where viewer = $1 and asset_id = any($2::text[])
