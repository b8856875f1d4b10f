-- Whose an asset is and who may see it; no row when it is gone or deleted. $1 id.
select visibility, owner_id from asset where id = $1 and deleted_at is null
