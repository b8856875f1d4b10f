-- Tells the publisher why an asset failed.
-- $1 asset id, $2 the reason, for people
update asset set state = 'failed', failure = $2, updated_at = now()
where id = $1 and state in ('queued', 'processing') and deleted_at is null
