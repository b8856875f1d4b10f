-- It was used; written once a minute at most. $1 id.
update api_token set used_at = now() where id = $1 and (used_at is null or used_at < now() - interval '1 minute')
