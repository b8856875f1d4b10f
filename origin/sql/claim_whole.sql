-- Take the making of one object upon oneself, or keep it. $1 id, $2 lease (interval), $3 whether it is ours already.
update resumable_upload set lease_until = now() + $2::interval
where id = $1 and state = 'whole' and ($3 or lease_until < now())
returning *
