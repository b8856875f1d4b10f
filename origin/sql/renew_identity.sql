-- It signed in again. $1 issuer, $2 subject, $3 roles by its claims.
update external_identity set seen_at = now(), roles = $3 where issuer = $1 and subject = $2
