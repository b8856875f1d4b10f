-- Tells the tasks that need a finished one; those that need nothing more become runnable.
-- $1 id of the finished task
update task
set remaining = remaining - 1, state = case when remaining = 1 then 'queued' else state end
where id in (select task_id from task_need where needs_id = $1) and state = 'waiting'
returning id, kind, part, state
