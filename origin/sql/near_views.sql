-- Counted views near the time of new ones. $1 assets, $2 viewers, $3 times, $4 how near: milliseconds.
select v.asset_id, v.viewer, v.at_ms
from unnest($1::text[], $2::text[], $3::bigint[]) as c(asset_id, viewer, at_ms)
join asset_view v on v.asset_id = c.asset_id and v.viewer = c.viewer
    and v.at_ms between c.at_ms - $4::bigint and c.at_ms + $4::bigint
