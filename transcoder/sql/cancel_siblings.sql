-- Stops every other task of a revision; running ones notice at their next heartbeat.
-- $1 asset id, $2 revision
update task
set state = 'cancelled', finished_at = now(), lease_until = null
where asset_id = $1 and revision = $2 and state in ('waiting', 'queued', 'running')
