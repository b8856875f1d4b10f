-- Put a purge into the outbox; last in its transaction. $1 PurgeOrder (jsonb); returns its id.
insert into purge_order (body) values ($1) returning id
