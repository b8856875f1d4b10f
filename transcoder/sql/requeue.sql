-- Puts a task back to be started again. No row: the task was no longer this worker's.
-- $1 task id, $2 holder, $3 attempts that shall be counted, $4 why (for operators)
update task
set state = 'queued', attempts = $3, worker = null, lease_until = null, error = $4, progress = 0
where id = $1 and worker = $2 and state = 'running'
returning id
