-- Take an account for an edit. $1 id.
select id, email, name, password_hash is not null as has_password, roles, disabled_at, version, created_at, updated_at
from account where id = $1 for update
