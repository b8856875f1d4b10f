-- Ends a task well. No row: the task was no longer this worker's.
-- $1 task id, $2 holder, $3 result (jsonb)
update task
set state = 'done', progress = 1, result = $3, finished_at = now(), lease_until = null
where id = $1 and worker = $2 and state = 'running'
returning id
