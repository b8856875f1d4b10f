-- What one viewer began and did not finish, the latest first. Arguments as of list_history.
select a.id, a.title, a.state, a.failure, a.progress, a.source_name, a.source_bytes, a.uploaded_bytes, a.revision,
       r.presentation, a.created_at, a.updated_at, coalesce(s.views, 0) as views, coalesce(s.likes, 0) as likes,
       coalesce(s.dislikes, 0) as dislikes, v.position_ms, v.finished, v.watched_at
from viewing v
join asset a on a.id = v.asset_id and a.deleted_at is null
left join revision r on r.asset_id = a.id and r.number = a.revision
left join asset_signal s on s.asset_id = a.id
where v.viewer = $1 and not v.finished and v.position_ms >= 5000
  and (v.watched_at, v.asset_id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
order by v.watched_at desc, v.asset_id desc
limit $4
