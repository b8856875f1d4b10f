-- Store an edit. $1 id, $2 name, $3 roles, $4 whether it is disabled.
update account set name = $2, roles = $3, version = version + 1, updated_at = now(),
    disabled_at = case when $4 then coalesce(disabled_at, now()) end,
    sessions_since = case when $4 then now() else sessions_since end
where id = $1
returning id, email, name, password_hash is not null as has_password, roles, disabled_at, version, created_at, updated_at
