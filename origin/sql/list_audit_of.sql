-- One page of the record about one target, newest first. $1 id of the last entry before it, or null; $2 rows; $3 target.
select id, at, actor, actor_name, action, target, details, request_id, address
from audit_entry where target = $3 and id < coalesce($1::bigint, 9223372036854775807) order by id desc limit $2
