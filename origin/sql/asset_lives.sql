-- Whether an asset is there and not deleted. $1 id.
select exists (select from asset where id = $1 and deleted_at is null)
