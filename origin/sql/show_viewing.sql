-- Where one viewer is in one asset. $1 viewer, $2 asset.
select trail, version from viewing where viewer = $1 and asset_id = $2
