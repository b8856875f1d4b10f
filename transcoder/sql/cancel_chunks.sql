-- Makes void what was encoded of a revision's pictures and what is being encoded. A running task keeps its lease until its
-- worker notices.
-- $1 asset id, $2 revision, $3 why (for operators)
update task
set state = 'cancelled', error = coalesce(error, $3),
    finished_at = case when state = 'running' then null else coalesce(finished_at, now()) end,
    lease_until = case when state = 'running' then lease_until end
where asset_id = $1 and revision = $2 and kind = 'video' and state in ('queued', 'running', 'done')
