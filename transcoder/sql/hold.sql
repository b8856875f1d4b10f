-- Keeps a task from changing until the transaction ends. No row: it is no longer this worker's, or its revision is published.
-- $1 task id, $2 holder
select task.id
from task join revision on revision.asset_id = task.asset_id and revision.number = task.revision
where task.id = $1 and task.worker = $2 and task.state = 'running' and revision.published_at is null
for update of task
