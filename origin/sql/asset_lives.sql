-- The visibility of an asset that is there and not deleted; no row otherwise. $1 id.
select visibility from asset where id = $1 and deleted_at is null
