-- Where viewers are now. `watched_at` moves by the minute, so that most updates touch no index. $1 viewers, $2 assets,
-- $3 trails as text, $4 positions, $5 whether finished, $6 when watched.
update viewing v
set trail = n.trail::jsonb, position_ms = n.position_ms, finished = n.finished,
    watched_at = case when abs(extract(epoch from n.watched_at - v.watched_at)) < 60 then v.watched_at else n.watched_at end,
    version = greatest(v.version + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint)
from unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::boolean[], $6::timestamptz[])
    as n(viewer, asset_id, trail, position_ms, finished, watched_at)
where v.viewer = n.viewer and v.asset_id = n.asset_id
returning v.viewer, v.asset_id, v.version
