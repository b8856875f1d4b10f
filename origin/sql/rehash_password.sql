-- The same password under newer parameters. $1 id, $2 hash, $3 the former hash: nobody changed it meanwhile.
update account set password_hash = $2 where id = $1 and password_hash = $3
