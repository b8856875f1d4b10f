-- One asset with the presentation that viewers get. $1 id.
select a.id, a.title, a.state, a.failure, a.progress, a.source_name, a.source_bytes, a.uploaded_bytes, a.revision,
       r.presentation, a.created_at, a.updated_at, coalesce(s.views, 0) as views, coalesce(s.likes, 0) as likes,
       coalesce(s.dislikes, 0) as dislikes
from asset a
left join revision r on r.asset_id = a.id and r.number = a.revision
left join asset_signal s on s.asset_id = a.id
where a.id = $1 and a.deleted_at is null
