-- Adds an order to the purge log; the origin relays it to the edges.
-- $1 order (jsonb, playnet.purge.order.PurgeOrder)
insert into purge_order (body) values ($1)
