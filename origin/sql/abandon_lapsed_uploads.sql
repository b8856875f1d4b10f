-- Give up every upload whose owner was not heard of for a whole lease, but resumable ones: those expire. One row for each asset.
with lapsed as (
    update upload set abandoned_at = now() where abandoned_at is null and lease_until < now() and owner <> 'tus' returning asset_id
)
update asset set state = 'waiting', uploaded_bytes = 0, updated_at = now()
from lapsed where asset.id = lapsed.asset_id and asset.state = 'uploading'
returning asset.id
