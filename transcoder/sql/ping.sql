-- Whether the database answers; no arguments.
select 1
