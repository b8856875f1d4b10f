-- What a creation with an idempotency key made. $1 actor, $2 key, $3 fingerprint, $4 what was made.
-- No row: the key is taken, by a try that is committed now.
insert into creation_key (actor, key, fingerprint, target) values ($1, $2, $3, $4)
on conflict (actor, key) do nothing
returning target
