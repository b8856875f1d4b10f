-- The objects are gone: remove the rows (revisions, tasks, uploads go with it). $1 id.
delete from asset where id = $1 and deleted_at is not null returning id
