-- Cancel what is not finished. $1 asset. A running worker keeps its lease until it notices.
update task set state = 'cancelled', finished_at = case when state = 'running' then null else now() end
where asset_id = $1 and state in ('waiting', 'queued', 'running')
