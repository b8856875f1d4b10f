-- One page of what belongs to an account, whatever its visibility, the newest first. $1 account, $2, $3 created_at and id of
-- the last row before it, or nulls; $4 rows; $5 labels that each must have; $6 whether deleted ones instead.
select s.*
from asset_shown s
where s.owner_id = $1
  and (s.created_at, s.id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
  and (s.deleted_at is not null) = $6::boolean and ($6::boolean is false or s.restore_until > now())
  and ($5::text[] = '{}' or $5 <@ asset_labels(s.tags, s.category, s.language, s.owner_id))
order by s.created_at desc, s.id desc
limit $4
