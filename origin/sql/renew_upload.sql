-- More bytes came: renew the lease, show the count. $1 upload, $2 lease (interval), $3 bytes so far.
-- No row: the upload was given up or its asset deleted; the owner must stop.
with renewed as (
    update upload set lease_until = now() + $2::interval where id = $1 and abandoned_at is null returning asset_id
)
update asset set uploaded_bytes = $3, updated_at = now()
from renewed where asset.id = renewed.asset_id and asset.deleted_at is null
returning asset.id
