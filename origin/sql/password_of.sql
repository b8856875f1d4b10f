-- For sign-in. $1 normalised email.
select id, password_hash, disabled_at from account where email = $1
