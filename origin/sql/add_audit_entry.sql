-- One administrative act. $1 actor, $2 its name, $3 action, $4 target or null, $5 details (jsonb), $6 request id, $7 address.
insert into audit_entry (actor, actor_name, action, target, details, request_id, address)
values ($1, $2, $3, $4, $5, $6, $7)
