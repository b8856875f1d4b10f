-- Add to plays by second. $1 assets, $2 revisions, $3 minutes, $4 sixty numbers each, as text.
insert into asset_heat as h (asset_id, revision, minute, plays)
select asset_id, revision, minute, plays::integer[]
from unnest($1::text[], $2::integer[], $3::integer[], $4::text[]) as n(asset_id, revision, minute, plays)
order by 1, 2, 3
on conflict (asset_id, revision, minute) do update set plays = add_plays(h.plays, excluded.plays)
