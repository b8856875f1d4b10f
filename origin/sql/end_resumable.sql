-- The object is made, or cannot be. $1 id, $2 state, $3 failure, $4 how long the row is kept for questions (interval).
update resumable_upload set state = $2, failure = $3, expires_at = now() + $4::interval where id = $1
