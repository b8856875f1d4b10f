-- What viewers leave behind. One row for each thing that is counted, so that nothing is counted twice; totals change in
-- the transaction of what they count.

create table asset_signal (
    asset_id text primary key references asset on delete cascade,
    views    bigint not null default 0,
    likes    bigint not null default 0,
    dislikes bigint not null default 0,
    watch_ms bigint not null default 0
) with (fillfactor = 50);

create table reaction (
    asset_id   text not null references asset on delete cascade,
    account_id text not null references account on delete cascade,
    value      smallint not null check (value in (-1, 1)),
    at         timestamptz not null default now(),
    primary key (asset_id, account_id)
);
create index reaction_account on reaction (account_id);

-- A playback session, folded: origin.core.signals.sittings.Sitting. `viewer`: an account's id, or ~ and a device's hash.
create table sitting (
    session    text primary key,
    viewer     text not null,
    asset_id   text not null references asset on delete cascade,
    bot        boolean not null,
    seen       int4multirange not null default '{}',     -- sequence numbers of its beats
    covered    int4multirange not null default '{}',     -- milliseconds of media
    claimed_ms bigint not null default 0,
    began_ms   bigint,                                   -- Unix time
    last_ms    bigint,
    judged     boolean not null default false,
    born_on    date not null default current_date
) with (fillfactor = 50);
create index sitting_asset on sitting (asset_id);
create index sitting_born on sitting (born_on);

create table asset_view (
    asset_id text not null references asset on delete cascade,
    viewer   text not null,
    at_ms    bigint not null,
    primary key (asset_id, viewer, at_ms)
);

-- What one viewer does with one asset: resume, history, "continue watching".
create table viewing (
    viewer      text not null,
    asset_id    text not null references asset on delete cascade,
    trail       jsonb not null default '[]',             -- origin.core.signals.resume.Trail
    position_ms integer not null default 0,              -- of the trail's place
    finished    boolean not null default false,
    watched_at  timestamptz not null default now(),
    version     bigint not null default 0,               -- grows with every change, over all rows: microseconds
    primary key (viewer, asset_id)
) with (fillfactor = 70);
create index viewing_history on viewing (viewer, watched_at desc, asset_id desc);
create index viewing_asset on viewing (asset_id);

create table watch_later (
    account_id text not null references account on delete cascade,
    asset_id   text not null references asset on delete cascade,
    added_at   timestamptz not null default now(),
    primary key (account_id, asset_id)
);
create index watch_later_newest on watch_later (account_id, added_at desc, asset_id desc);
create index watch_later_asset on watch_later (asset_id);

create table asset_heat (
    asset_id text not null references asset on delete cascade,
    revision integer not null,
    minute   integer not null,
    plays    integer[] not null,                         -- sixty: how often each second was played
    primary key (asset_id, revision, minute)
) with (fillfactor = 50);

create function add_plays(before integer[], more integer[]) returns integer[] language sql immutable parallel safe
    as $$ select array_agg(a + b order by n) from unnest(before, more) with ordinality as u(a, b, n) $$;

-- Raw beats, for whoever analyses them: append-only, a partition for each day, dropped whole. Never read to count.
create table beat (
    received_at timestamptz not null,
    at          timestamptz not null,
    session     text not null,
    sequence    integer not null,
    asset_id    text not null,
    revision    integer not null,
    position_ms integer not null,
    played_ms   integer not null,
    rate        real not null,
    state       text not null,
    rendition   text,
    edge        text
) partition by range (received_at);
create table beat_rest partition of beat default;

create function add_beat_partition(day date) returns void language plpgsql as $$
declare
    name text := 'beat_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass(name) is null then
        perform pg_advisory_xact_lock(hashtext('playnet.beat'));
        execute format('create table if not exists %I partition of beat for values from (%L) to (%L)',
                       name, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    end if;
end $$;

create function drop_beat_partitions(before date) returns setof text language plpgsql as $$
declare
    name text;
begin
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'beat'::regclass and c.relname ~ '^beat_\d{8}$'
          and to_date(substr(c.relname, 6), 'YYYYMMDD') < before
    loop
        execute format('drop table %I', name);
        return next name;
    end loop;
    delete from beat_rest where received_at < before;
end $$;
