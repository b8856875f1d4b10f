-- Make an asset public or private. $1 id, $2 visibility; returns the id, no row when there is no such asset.
update asset set visibility = $2, updated_at = now() where id = $1 and deleted_at is null returning id
