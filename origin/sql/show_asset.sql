-- One asset with the presentation that viewers get. $1 id.
select a.id, a.title, a.state, a.failure, a.progress, a.source_name, a.source_bytes, a.uploaded_bytes, a.revision,
       r.presentation, a.created_at, a.updated_at
from asset a
left join revision r on r.asset_id = a.id and r.number = a.revision
where a.id = $1 and a.deleted_at is null
