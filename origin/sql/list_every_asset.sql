-- One page of everything, for administrators. $1, $2 created_at and id of the last row before it, or nulls; $3 rows; $4 labels.
select s.*
from asset_shown s
where s.deleted_at is null
  and (s.created_at, s.id) < (coalesce($1::timestamptz, 'infinity'), coalesce($2::text, ''))
  and ($4::text[] = '{}' or $4 <@ asset_labels(s.tags, s.category, s.language, s.owner_id))
order by s.created_at desc, s.id desc
limit $3
