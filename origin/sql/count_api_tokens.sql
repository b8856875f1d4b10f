-- How many an account holds. $1 account.
select count(*) from api_token where account_id = $1 and revoked_at is null
