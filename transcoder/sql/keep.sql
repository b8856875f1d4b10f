-- Renews a lease and notes progress. No row: the task was cancelled, its asset deleted, or another worker has it.
-- $1 task id, $2 holder, $3 lease in seconds, $4 progress
update task
set lease_until = now() + make_interval(secs => $3), progress = $4
from asset
where task.id = $1 and task.worker = $2 and task.state = 'running'
  and asset.id = task.asset_id and asset.deleted_at is null
returning task.asset_id
