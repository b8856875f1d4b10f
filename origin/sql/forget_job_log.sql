-- Drop what PgQueuer noted about jobs long ago: it keeps a row for every start and end, and nobody of us reads them.
-- $1 age (interval).
delete from pgqueuer_log where created < now() - $1::interval
