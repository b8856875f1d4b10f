-- More bytes are durable. $1 id, $2 turn, $3 offset, $4 bytes of it in the tail, $5 turn that stored the tail, $6 state,
-- $7 life (interval). No row: a later request took over, or the upload is no more.
update resumable_upload
set offset_bytes = $3, tail_bytes = $4, tail_turn = $5, state = $6, lease_until = now(), expires_at = now() + $7::interval
where id = $1 and turn = $2 and state = 'open'
returning id
