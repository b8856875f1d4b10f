-- Another reaction than before. $1 asset, $2 account, $3 value.
update reaction set value = $3, at = now() where asset_id = $1 and account_id = $2
