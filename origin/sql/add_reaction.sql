-- A first reaction; no row when there is one. $1 asset, $2 account, $3 value.
insert into reaction (asset_id, account_id, value) values ($1, $2, $3) on conflict do nothing returning value
