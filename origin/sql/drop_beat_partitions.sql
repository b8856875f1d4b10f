-- Days of raw beats that are older than what is kept; their names. $1 days kept.
select drop_beat_partitions(current_date - $1::integer)
