-- Put a revocation into the outbox; last in its transaction. $1 Revocation (jsonb); returns its id.
insert into revocation_order (body) values ($1) returning id
