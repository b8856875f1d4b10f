-- End all sessions of an account, whatever Redis knows of them. $1 id.
update account set sessions_since = now() where id = $1 returning id
