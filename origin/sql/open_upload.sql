-- The upload of an asset that is neither acknowledged nor given up. $1 asset.
select id, owner, lease_until > now() as lives from upload where asset_id = $1 and abandoned_at is null
