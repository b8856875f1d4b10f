-- One relay at a time among all origins; held by this connection until it ends.
select pg_try_advisory_lock(hashtext('playnet.purge_relay'))
