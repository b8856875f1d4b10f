-- Hide an asset at once; the sweeper removes objects and rows. $1 id. No row: unknown or deleted before.
update asset set deleted_at = now(), updated_at = now() where id = $1 and deleted_at is null returning id
