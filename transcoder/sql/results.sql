-- What the finished tasks of a revision left behind.
-- $1 asset id, $2 revision
select kind, result from task where asset_id = $1 and revision = $2 and state = 'done' and result is not null order by kind, part
