-- A deleted asset is not to be restored any more. $1 id.
update asset set restore_until = now() where id = $1 and deleted_at is not null
