-- How long a revision plays. $1 asset, $2 revision.
select presentation from revision where asset_id = $1 and number = $2
