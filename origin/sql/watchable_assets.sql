-- Of these assets the living ones with something to play, and their current revision. $1 ids.
select id, revision from asset where id = any($1::text[]) and deleted_at is null and revision is not null
