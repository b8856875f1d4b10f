-- As asset_standing, of a deleted asset that can still be restored; locks it. $1 id.
select visibility, owner_id, state, source_key from asset
where id = $1 and deleted_at is not null and restore_until > now() for update
