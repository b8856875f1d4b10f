-- $1 id, $2 account, $3 name, $4 SHA-256 of the secret, $5 scopes, $6 expiry or null.
insert into api_token (id, account_id, name, sha256, scopes, expires_at) values ($1, $2, $3, $4, $5, $6)
returning id, name, scopes, created_at, expires_at, used_at
