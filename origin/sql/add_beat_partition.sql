-- A day's place for raw beats, when it is not there. $1 days from today.
select add_beat_partition(current_date + $1::integer)
