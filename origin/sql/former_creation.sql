-- What an earlier try with this key made. $1 actor, $2 key.
select fingerprint, target from creation_key where actor = $1 and key = $2
