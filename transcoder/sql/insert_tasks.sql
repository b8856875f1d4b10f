-- Adds tasks of a revision. Those that need nothing are runnable.
-- $1 asset id, $2 revision; in parallel: $3 kinds, $4 parts, $5 costs, $6 whether each needs others
insert into task (asset_id, revision, kind, part, cost, state)
select $1, $2, new.kind, new.part, new.cost, case when new.waits then 'waiting' else 'queued' end
from unnest($3::text[], $4::integer[], $5::real[], $6::boolean[]) as new (kind, part, cost, waits)
returning id, kind, part, state
