-- Nobody repeats a creation after so long. $1 age.
delete from creation_key where created_at < now() - $1::interval
