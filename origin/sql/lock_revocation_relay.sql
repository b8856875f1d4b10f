-- One relay of revocations at a time among all origins; held by this connection until it ends.
select pg_try_advisory_lock(hashtext('playnet.revocation_relay'))
