-- Drop relayed revocations that no token can be old enough for. $1 age (interval).
delete from revocation_order where relayed_at < now() - $1::interval
