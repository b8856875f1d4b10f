-- The first task of a revision. $1 asset, $2 revision; returns the task's id.
insert into task (asset_id, revision, kind, state) values ($1, $2, 'probe', 'queued') returning id
