-- Neither like nor dislike; the value that was. $1 asset, $2 account.
delete from reaction where asset_id = $1 and account_id = $2 returning value
