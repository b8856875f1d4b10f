-- One page of what can be restored, for administrators. $1, $2 created_at and id of the last row before it, or nulls; $3 rows;
-- $4 labels. As many as were deleted within the time to restore: read whole and sorted.
select s.*
from asset_shown s
where s.deleted_at is not null and s.restore_until > now()
  and (s.created_at, s.id) < (coalesce($1::timestamptz, 'infinity'), coalesce($2::text, ''))
  and ($4::text[] = '{}' or $4 <@ asset_labels(s.tags, s.category, s.language, s.owner_id))
order by s.created_at desc, s.id desc
limit $3
