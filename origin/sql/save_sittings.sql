-- Sessions after more beats. $1 sessions, $2 seen, $3 covered (both as text), $4 claimed, $5 began, $6 last, $7 judged.
update sitting s
set seen = n.seen::int4multirange, covered = n.covered::int4multirange, claimed_ms = n.claimed_ms,
    began_ms = n.began_ms, last_ms = n.last_ms, judged = n.judged
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::boolean[])
    as n(session, seen, covered, claimed_ms, began_ms, last_ms, judged)
where s.session = n.session
