-- The source is complete: remember it. $1 upload, $2 asset, $3 source key, $4 file name, $5 bytes, $6 sha256 (hex).
-- No row: the upload had been given up.
with finished as (
    delete from upload where id = $1 and abandoned_at is null returning asset_id
)
update asset set state = 'queued', source_key = $3, source_name = $4, source_bytes = $5, source_sha256 = $6,
                 uploaded_bytes = $5, progress = 0, failure = null, updated_at = now()
from finished where asset.id = finished.asset_id and asset.id = $2
returning asset.id
