-- Stops every other task of a revision. A running one keeps its lease until its worker notices at the next heartbeat
-- and closes it: as long, nobody removes what it may still write.
-- $1 asset id, $2 revision
update task
set state = 'cancelled',
    finished_at = case when state = 'running' then null else now() end,
    lease_until = case when state = 'running' then lease_until end
where asset_id = $1 and revision = $2 and state in ('waiting', 'queued', 'running')
