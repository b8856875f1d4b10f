-- Private assets, and the outbox of revocations of playback tokens: as purge_order (0002), with a stream of its own.

alter table asset add column visibility text not null default 'public' check (visibility in ('public', 'private'));

create table revocation_order (
    id         bigint generated always as identity primary key,
    body       jsonb not null,                           -- playnet.tokens.Revocation
    created_at timestamptz not null default now(),
    relayed_at timestamptz                               -- when it stood in the Redis stream
);
create index revocation_order_pending on revocation_order (id) where relayed_at is null;
create index revocation_order_relayed on revocation_order (relayed_at) where relayed_at is not null;

-- Ids become visible in order, and the relays wake: see 0002.
create function revocation_order_serialise() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext('playnet.revocation_order'));
    return null;
end $$;
create trigger revocation_order_serialise before insert on revocation_order
    for each statement execute function revocation_order_serialise();

create function revocation_order_notify() returns trigger language plpgsql as $$
begin
    notify playnet_revocation;
    return null;
end $$;
create trigger revocation_order_notify after insert on revocation_order
    for each statement execute function revocation_order_notify();
