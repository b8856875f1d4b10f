-- Ends a task whose asset was deleted.
-- $1 task id
update task set state = 'cancelled', finished_at = now(), lease_until = null
where id = $1 and state in ('queued', 'running')
