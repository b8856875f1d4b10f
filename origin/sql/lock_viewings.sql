-- What viewers do with assets, in one order for everybody, kept from others to the end of the transaction. $1 viewers, $2 assets.
select v.viewer, v.asset_id, v.trail
from viewing v join unnest($1::text[], $2::text[]) as w(viewer, asset_id) using (viewer, asset_id)
order by v.viewer, v.asset_id
for update of v
