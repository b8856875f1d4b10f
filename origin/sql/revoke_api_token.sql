-- $1 id, $2 account. No row: not theirs, or revoked before.
update api_token set revoked_at = now() where id = $1 and account_id = $2 and revoked_at is null returning name
