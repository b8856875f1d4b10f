-- Plays by second of an asset's current revision, by the minute. $1 asset, $2 revision.
select minute, plays from asset_heat where asset_id = $1 and revision = $2
