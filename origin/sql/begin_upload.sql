-- A new upload and the asset's state. $1 upload, $2 asset, $3 owner, $4 lease (interval).
with begun as (
    insert into upload (id, asset_id, owner, lease_until) values ($1, $2, $3, now() + $4::interval)
)
update asset set state = 'uploading', failure = null, uploaded_bytes = 0, progress = 0, updated_at = now()
where id = $2
