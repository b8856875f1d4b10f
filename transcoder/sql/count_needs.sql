-- Lets the tasks that wait for others begin anew: what they had is void, and what they still need is counted.
-- $1 asset id, $2 revision
update task
set state = 'waiting', attempts = 0, worker = null, lease_until = null, progress = 0, result = null, error = null, finished_at = null,
    remaining = (
        select count(*) from task_need join task needed on needed.id = task_need.needs_id
        where task_need.task_id = task.id and (needed.state <> 'done' or needed.kind = 'thumbs')
    )
where asset_id = $1 and revision = $2 and kind in ('thumbs', 'publish')
