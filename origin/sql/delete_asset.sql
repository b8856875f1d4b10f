-- Hide an asset at once; when its time to be restored ($2) is over, the sweeper removes objects and rows. $1 id.
-- No row: unknown or deleted before.
update asset set deleted_at = now(), restore_until = now() + $2::interval, updated_at = now()
where id = $1 and deleted_at is null returning id
