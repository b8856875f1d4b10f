-- Uploads that come in pieces and go on after any break (tus), and the parts of theirs that stand in the object store.

create table resumable_upload (
    id           text primary key check (id ~ '^[0-9a-f]{32}$'), -- also of its row in `upload`, when it has an asset
    asset_id     text,                                   -- null: a partial one, which a final one will name
    object_key   text not null,
    handle       text not null,                          -- the store's name for the object in the making
    length_bytes bigint check (length_bytes >= 0),       -- null until the client tells
    offset_bytes bigint not null default 0 check (offset_bytes <= length_bytes),
    part_bytes   integer not null,
    tail_bytes   integer not null default 0,             -- of offset_bytes: not a whole part yet, an object of its own
    tail_turn    bigint not null default 0,              -- whose request stored the tail: part of its key
    turn         bigint not null default 0,              -- counts requests that bring bytes: the latest one may commit
    metadata     text not null default '',               -- as the client sent it, given back
    file_name    text,
    sha256       text check (sha256 ~ '^[0-9a-f]{64}$'), -- of the whole, when the client announced it
    joins        text[],                                 -- of a final one: the partial ones, in order
    state        text not null default 'open' check (state in ('open', 'whole', 'finished', 'failed')),
    failure      text,
    lease_until  timestamptz not null default now(),     -- of the origin that makes the object of a whole one
    expires_at   timestamptz not null,
    created_at   timestamptz not null default now()
);
create index resumable_upload_whole on resumable_upload (lease_until) where state = 'whole';
create index resumable_upload_expiry on resumable_upload (expires_at);

create table resumable_part (
    upload_id  text not null references resumable_upload on delete cascade,
    number     integer not null check (number > 0),
    size_bytes integer not null check (size_bytes > 0),
    tag        text not null,
    primary key (upload_id, number)
);
