-- Makes a revision the one that viewers get, unless a later one already is.
-- $1 asset id, $2 revision
update asset
set state = 'ready', failure = null, progress = 1, revision = greatest(coalesce(revision, 0), $2), updated_at = now()
where id = $1 and deleted_at is null
