-- The account with this address. $1 normalised email.
select id, email, name, password_hash is not null as has_password, roles, disabled_at, version, created_at, updated_at
from account where email = $1
