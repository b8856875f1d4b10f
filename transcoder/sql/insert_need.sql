-- Notes that one task waits for another.
-- $1 the waiting task, $2 the one that it needs
insert into task_need (task_id, needs_id) values ($1, $2)
