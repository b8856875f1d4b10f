-- Uploads as rows, so that each source object has an owner from before its first byte; purges in commit order.

create table upload (
    id           text primary key check (id ~ '^[a-z0-9]{1,64}$'), -- the object's name below source/<asset>/
    asset_id     text not null references asset on delete cascade,
    owner        text not null,                          -- the origin that receives it
    lease_until  timestamptz not null,                   -- renewed by the owner while bytes come
    abandoned_at timestamptz,                            -- the sweeper removes the object, then the row
    created_at   timestamptz not null default now()
);
create unique index upload_open on upload (asset_id) where abandoned_at is null;
create index upload_lease on upload (lease_until);
create index upload_asset on upload (asset_id);

-- Readers of the purge log remember the highest id that they have applied, so ids must become visible in order.
-- A sequence alone does not give that: a low id may commit after a high one. The lock is taken before the
-- statement draws its ids and kept to the commit. Insert purge orders last in a transaction: it serialises writers.
create function purge_order_serialise() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext('playnet.purge_order'));
    return null;
end $$;
create trigger purge_order_serialise before insert on purge_order
    for each statement execute function purge_order_serialise();

-- Wakes the relays; carries nothing, they read the table.
create function purge_order_notify() returns trigger language plpgsql as $$
begin
    notify playnet_purge;
    return null;
end $$;
create trigger purge_order_notify after insert on purge_order
    for each statement execute function purge_order_notify();

create index task_asset_running on task (asset_id) where state = 'running';
create index purge_order_relayed on purge_order (relayed_at) where relayed_at is not null;
