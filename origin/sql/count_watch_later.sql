-- How many an account keeps. $1 account.
select count(*) from watch_later where account_id = $1
