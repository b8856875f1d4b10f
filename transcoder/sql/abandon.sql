-- Closes a task that was cancelled while it ran, or whose asset was deleted. No row: another worker has it.
-- $1 task id, $2 holder
update task
set state = 'cancelled', finished_at = now(), lease_until = null
from asset
where task.id = $1 and task.worker = $2 and asset.id = task.asset_id
  and (task.state = 'cancelled' or (task.state = 'running' and asset.deleted_at is not null))
returning task.id
