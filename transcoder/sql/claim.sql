-- Starts a task: counts the attempt and takes the lease. No row: there is nothing to do (done, cancelled, or the asset is gone).
-- $1 task id, $2 holder (a name of its own for every start), $3 lease in seconds
update task
set state = 'running', attempts = task.attempts + 1, worker = $2, progress = 0, error = null,
    lease_until = now() + make_interval(secs => $3), started_at = coalesce(task.started_at, now())
from asset, revision
where task.id = $1 and task.state in ('queued', 'running')
  and asset.id = task.asset_id and asset.deleted_at is null
  and revision.asset_id = task.asset_id and revision.number = task.revision
returning task.id, task.asset_id, task.revision, task.kind, task.part, task.attempts, asset.source_key, asset.source_bytes, revision.plan
