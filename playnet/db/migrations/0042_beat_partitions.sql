-- Beats that came before their day had a partition stand in `beat_rest`: then that day stays there, and the others go on.

create or replace function add_beat_partition(day date) returns void language plpgsql as $$
declare
    name text := 'beat_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass(name) is null then
        perform pg_advisory_xact_lock(hashtext('playnet.beat'));
        execute format('create table if not exists %I partition of beat for values from (%L) to (%L)',
                       name, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    end if;
exception when check_violation then
    return;
end $$;
