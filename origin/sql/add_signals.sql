-- Add to totals, in the transaction of what is counted. $1 assets, $2 views, $3 watch time, $4 likes, $5 dislikes.
insert into asset_signal as s (asset_id, views, watch_ms, likes, dislikes)
select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) order by 1
on conflict (asset_id) do update
set views = s.views + excluded.views, watch_ms = s.watch_ms + excluded.watch_ms,
    likes = s.likes + excluded.likes, dislikes = s.dislikes + excluded.dislikes
