-- Adds a task of a revision.
-- $1 asset id, $2 revision, $3 kind, $4 number of tasks that it waits for
insert into task (asset_id, revision, kind, state, remaining)
values ($1, $2, $3, case when $4 = 0 then 'queued' else 'waiting' end, $4)
returning id
