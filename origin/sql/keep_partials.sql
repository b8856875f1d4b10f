-- A final upload reads them: they must not expire meanwhile. $1 ids, $2 life (interval).
update resumable_upload set expires_at = now() + $2::interval where id = any($1::text[])
