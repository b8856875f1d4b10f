-- Ends a task badly and for good. No row: the task was no longer this worker's.
-- $1 task id, $2 holder, $3 why (for operators)
update task
set state = 'failed', error = $3, finished_at = now(), lease_until = null
where id = $1 and worker = $2 and state = 'running'
returning id
