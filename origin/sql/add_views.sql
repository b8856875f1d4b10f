-- Views that count. $1 assets, $2 viewers, $3 times.
insert into asset_view (asset_id, viewer, at_ms) select * from unnest($1::text[], $2::text[], $3::bigint[])
