-- Pairs that are new. $1 viewers, $2 assets.
insert into viewing (viewer, asset_id) select * from unnest($1::text[], $2::text[]) order by 1, 2
on conflict do nothing
