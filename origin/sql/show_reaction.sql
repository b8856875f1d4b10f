-- $1 asset, $2 account.
select value from reaction where asset_id = $1 and account_id = $2
