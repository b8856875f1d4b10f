-- Whether anybody else could administer. $1 the account that is left out.
select exists (select from account where 'admin' = any(roles) and disabled_at is null and id <> $1)
