-- A new account. $1 id, $2 email, $3 name, $4 password hash or null, $5 roles. A taken email is a unique violation.
insert into account (id, email, name, password_hash, roles) values ($1, $2, $3, $4, $5)
returning id, email, name, password_hash is not null as has_password, roles, disabled_at, version, created_at, updated_at
