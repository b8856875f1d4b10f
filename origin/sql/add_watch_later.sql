-- Keep an asset for later; the second time changes nothing. $1 account, $2 asset.
insert into watch_later (account_id, asset_id) values ($1, $2) on conflict do nothing
