-- Notes that tasks of one kind wait for all of another kind that still count.
-- $1 asset id, $2 revision; in parallel: $3 waiting kinds, $4 the kinds that they need
insert into task_need (task_id, needs_id)
select waiting.id, needed.id
from unnest($3::text[], $4::text[]) as need (kind, needs)
join task waiting on waiting.asset_id = $1 and waiting.revision = $2 and waiting.kind = need.kind
join task needed on needed.asset_id = $1 and needed.revision = $2 and needed.kind = need.needs and needed.state <> 'cancelled'
