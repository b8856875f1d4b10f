-- Lets nothing wait for a revision's pictures any more.
-- $1 asset id, $2 revision
delete from task_need
using task
where task.id = task_need.needs_id and task.asset_id = $1 and task.revision = $2 and task.kind = 'video'
