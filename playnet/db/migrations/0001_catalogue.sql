-- Assets, their revisions and renditions, the tasks that make them, and the ordered log of purges.

create table asset (
    id             text primary key check (id ~ '^[a-z0-9]{12}$'),
    title          text not null check (char_length(title) between 1 and 300),
    state          text not null check (state in ('waiting', 'uploading', 'queued', 'processing', 'ready', 'failed')),
    failure        text,                                 -- why it failed, written for the publisher
    source_key     text,                                 -- object key of the acknowledged upload
    source_name    text,
    source_bytes   bigint check (source_bytes >= 0),
    source_sha256  text check (source_sha256 ~ '^[0-9a-f]{64}$'),
    uploaded_bytes bigint not null default 0 check (uploaded_bytes >= 0),
    progress       real not null default 0 check (progress between 0 and 1), -- of the processing
    revision       integer check (revision > 0),         -- what viewers get; null until the first one is published
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),
    deleted_at     timestamptz                           -- set at once; the sweeper then removes objects and row
);
create index asset_newest on asset (created_at desc, id desc) where deleted_at is null;
create index asset_deleted on asset (deleted_at) where deleted_at is not null;

create table revision (
    asset_id     text not null references asset on delete cascade,
    number       integer not null check (number > 0),
    plan         jsonb,                                  -- transcoder.core.plan, once probed
    presentation jsonb,                                  -- playnet.media.records.Presentation, once published
    created_at   timestamptz not null default now(),
    published_at timestamptz,
    primary key (asset_id, number)
);

create table task (
    id          bigint generated always as identity primary key,
    asset_id    text not null,
    revision    integer not null,
    kind        text not null check (kind in ('probe', 'video', 'audio', 'thumbs', 'publish')),
    part        integer not null default 0,              -- chunk of the timeline; 0 while there is one chunk
    state       text not null default 'waiting'
                check (state in ('waiting', 'queued', 'running', 'done', 'failed', 'cancelled')),
    remaining   integer not null default 0 check (remaining >= 0), -- needed tasks that are not done
    attempts    integer not null default 0,              -- counted when a handler starts
    worker      text,
    lease_until timestamptz,
    progress    real not null default 0 check (progress between 0 and 1),
    result      jsonb,
    error       text,                                    -- for operators
    created_at  timestamptz not null default now(),
    started_at  timestamptz,
    finished_at timestamptz,
    unique (asset_id, revision, kind, part),
    foreign key (asset_id, revision) references revision on delete cascade
);
create index task_open on task (lease_until) where state in ('queued', 'running');

create table task_need (
    task_id  bigint not null references task on delete cascade,
    needs_id bigint not null references task on delete cascade,
    primary key (task_id, needs_id)
);
create index task_need_reverse on task_need (needs_id);

create table purge_order (
    id         bigint generated always as identity primary key,
    body       jsonb not null,                           -- playnet.purge.order.PurgeOrder
    created_at timestamptz not null default now(),
    relayed_at timestamptz                               -- when it stood in the Redis stream
);
create index purge_order_pending on purge_order (id) where relayed_at is null;
