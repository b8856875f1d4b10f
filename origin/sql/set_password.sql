-- A new password; every session that began before is over. $1 id, $2 hash.
update account set password_hash = $2, sessions_since = now(), version = version + 1, updated_at = now() where id = $1
returning id, email, name, password_hash is not null as has_password, roles, disabled_at, version, created_at, updated_at
