-- These revocations stand in the stream. $1 ids.
update revocation_order set relayed_at = now() where id = any($1::bigint[]) and relayed_at is null
