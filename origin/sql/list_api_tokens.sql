-- Those of an account that are not revoked, newest first; there are at most a hundred. $1 account.
select id, name, scopes, created_at, expires_at, used_at from api_token
where account_id = $1 and revoked_at is null order by created_at desc, id
