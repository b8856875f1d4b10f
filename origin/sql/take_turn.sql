-- A request brings bytes: only the latest may commit. $1 id, $2 length that it told (null: none), $3 life (interval).
update resumable_upload
set turn = turn + 1, length_bytes = coalesce(length_bytes, $2), expires_at = now() + $3::interval
where id = $1 and state = 'open' and expires_at > now()
returning *
