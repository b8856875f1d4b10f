-- Revocations that the Redis stream may not hold, oldest first: not relayed, or younger than its newest entry.
-- $1 newest id in the stream, $2 rows.
(select id, body from revocation_order where relayed_at is null order by id limit $2)
union
(select id, body from revocation_order where id > $1 order by id limit $2)
order by id limit $2
