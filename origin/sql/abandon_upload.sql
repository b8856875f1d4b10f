-- Give one upload up; the asset waits for a source again. $1 upload.
with given_up as (
    update upload set abandoned_at = now() where id = $1 and abandoned_at is null returning asset_id
)
update asset set state = 'waiting', uploaded_bytes = 0, updated_at = now()
from given_up where asset.id = given_up.asset_id and asset.state = 'uploading'
