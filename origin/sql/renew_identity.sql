-- It signed in again; written once a minute at most, unless its roles changed. $1 issuer, $2 subject, $3 roles by its claims.
update external_identity set seen_at = now(), roles = $3
where issuer = $1 and subject = $2 and (roles <> $3::text[] or seen_at < now() - interval '1 minute')
