-- For a change of one's own password. $1 id.
select password_hash, email, name from account where id = $1
