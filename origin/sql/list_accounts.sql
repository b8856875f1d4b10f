-- One page, newest first. $1, $2 created_at and id of the last row before it, or nulls for the first page; $3 rows.
select id, email, name, password_hash is not null as has_password, roles, disabled_at, version, created_at, updated_at
from account
where (created_at, id) < (coalesce($1::timestamptz, 'infinity'), coalesce($2::text, ''))
order by created_at desc, id desc
limit $3
