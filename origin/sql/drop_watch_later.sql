-- No longer for later. $1 account, $2 asset.
delete from watch_later where account_id = $1 and asset_id = $2
