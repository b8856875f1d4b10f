-- Views of a device become views of its owner, so that they are not counted twice. $1 device, $2 account, $3 assets.
update asset_view v set viewer = $2 where v.asset_id = any($3::text[]) and v.viewer = $1
  and not exists (select from asset_view o where o.asset_id = v.asset_id and o.viewer = $2 and o.at_ms = v.at_ms)
