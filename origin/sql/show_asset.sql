-- One asset. $1 id.
select * from asset_shown where id = $1 and deleted_at is null
