-- A restarted origin gives up what its former process received. $1 owner; one row for each asset.
with former as (
    update upload set abandoned_at = now() where abandoned_at is null and owner = $1 returning asset_id
)
update asset set state = 'waiting', uploaded_bytes = 0, updated_at = now()
from former where asset.id = former.asset_id and asset.state = 'uploading'
returning asset.id
