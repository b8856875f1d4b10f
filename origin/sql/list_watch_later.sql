-- What one account keeps for later, the newest first. $1 account, $2, $3 time and asset of the last row before, or nulls;
-- $4 rows.
select a.id, a.title, a.state, a.failure, a.progress, a.source_name, a.source_bytes, a.uploaded_bytes, a.revision,
       r.presentation, a.created_at, a.updated_at, coalesce(s.views, 0) as views, coalesce(s.likes, 0) as likes,
       coalesce(s.dislikes, 0) as dislikes, w.added_at
from watch_later w
join asset a on a.id = w.asset_id and a.deleted_at is null
left join revision r on r.asset_id = a.id and r.number = a.revision
left join asset_signal s on s.asset_id = a.id
where w.account_id = $1
  and (w.added_at, w.asset_id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
order by w.added_at desc, w.asset_id desc
limit $4
