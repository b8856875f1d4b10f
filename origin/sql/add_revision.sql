-- The next revision of an asset. $1 asset; returns its number. The asset's row is locked by the caller.
insert into revision (asset_id, number)
select $1, coalesce(max(number), 0) + 1 from revision where asset_id = $1
returning number
