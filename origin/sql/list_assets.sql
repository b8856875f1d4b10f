-- One page of what is public, newest first. $1, $2 created_at and id of the last row before it, or nulls for the first page; $3 rows.
select a.id, a.title, a.state, a.failure, a.progress, a.source_name, a.source_bytes, a.uploaded_bytes, a.revision,
       r.presentation, a.created_at, a.updated_at, coalesce(s.views, 0) as views, coalesce(s.likes, 0) as likes,
       coalesce(s.dislikes, 0) as dislikes
from asset a
left join revision r on r.asset_id = a.id and r.number = a.revision
left join asset_signal s on s.asset_id = a.id
where a.deleted_at is null and a.visibility = 'public'
  and (a.created_at, a.id) < (coalesce($1::timestamptz, 'infinity'), coalesce($2::text, ''))
order by a.created_at desc, a.id desc
limit $3
