-- Whoever takes an admin away waits here, so that two at once cannot take the last two. No arguments.
select pg_advisory_xact_lock(hashtext('playnet.admins'))
