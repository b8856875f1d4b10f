-- What publishers say about an asset, whose it is, who may see it, and by what it is listed and found.

alter table asset drop constraint asset_visibility_check;
alter table asset
    add constraint asset_visibility_check check (visibility in ('public', 'unlisted', 'private', 'scheduled')),
    add column owner_id      text references account on delete set null, -- null: made by automation
    add column description   text not null default '' check (char_length(description) <= 5000),
    add column tags          text[] not null default '{}' check (cardinality(tags) <= 30),
    add column category      text check (char_length(category) between 1 and 50),
    add column language      text check (char_length(language) between 2 and 35), -- BCP 47, of what is spoken and written
    add column publish_at    timestamptz,                -- when it became public, or will: the place in public lists
    add column version       integer not null default 1, -- counts edits: the entity tag
    add column restore_until timestamptz,                -- of a deleted one: the sweeper waits for it
    add constraint asset_schedule_check check (visibility <> 'scheduled' or publish_at is not null),
    add constraint asset_restore_check check (deleted_at is null or restore_until is not null) not valid;
update asset set restore_until = deleted_at where deleted_at is not null;
alter table asset validate constraint asset_restore_check;

drop index asset_deleted;
create index asset_deleted on asset (restore_until) where deleted_at is not null;
create index asset_owned on asset (owner_id, created_at, id);
create index asset_published on asset (publish_at) where publish_at is not null;

alter table revision add column summary jsonb;           -- playnet.media.summary: what lists show of the presentation

-- What a list can be narrowed to, as one kind of thing: 'tag:…', 'category:…', 'language:…', 'owner:…', and '*' for all.
create function asset_labels(tags text[], category text, language text, owner_id text) returns text[]
immutable parallel safe language sql as $$
    select array_remove(
        array['*', 'category:' || category, 'language:' || lower(split_part(language, '-', 1)), 'owner:' || owner_id]
        || (select coalesce(array_agg('tag:' || tag), '{}') from unnest(tags) tag), null)
$$;

-- The public lists, each in its order, so that a page of any of them is one short range of an index.
create table asset_label (
    label      text not null,
    listed_at  timestamptz not null,                     -- publish_at, else created_at
    asset_id   text not null references asset on delete cascade,
    primary key (label, listed_at, asset_id)
);
create index asset_label_asset on asset_label (asset_id);

create function asset_relabel() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        delete from asset_label where asset_id = new.id;
    end if;
    if new.visibility = 'public' and new.deleted_at is null then
        insert into asset_label (label, listed_at, asset_id)
        select distinct label, coalesce(new.publish_at, new.created_at), new.id
        from unnest(asset_labels(new.tags, new.category, new.language, new.owner_id)) label;
    end if;
    return null;
end $$;
create trigger asset_relabel
    after insert or update of visibility, publish_at, deleted_at, tags, category, language, owner_id on asset
    for each row execute function asset_relabel();
insert into asset_label (label, listed_at, asset_id)
select '*', created_at, id from asset where visibility = 'public' and deleted_at is null;

-- Creations that may be repeated: who repeats one gets what the first try made.
create table creation_key (
    actor       text not null,                           -- account, or 'automation'
    key         text not null,                           -- the client's Idempotency-Key
    fingerprint bytea not null check (octet_length(fingerprint) = 32), -- SHA-256 of what was asked for
    target      text not null,                           -- what was made
    created_at  timestamptz not null default now(),
    primary key (actor, key)
);
create index creation_key_age on creation_key (created_at);

-- An asset as the API shows it, deleted ones too. A revision without a summary is from before this migration.
create view asset_shown as
select a.id, a.title, a.description, a.tags, a.category, a.language, a.visibility, a.publish_at, a.owner_id, a.version,
       a.state, a.failure, a.progress, a.source_name, a.source_bytes, a.uploaded_bytes, a.revision, a.created_at,
       a.updated_at, a.deleted_at, a.restore_until,
       r.summary, case when r.summary is null then r.presentation end as presentation,
       coalesce(s.views, 0) as views, coalesce(s.likes, 0) as likes, coalesce(s.dislikes, 0) as dislikes
from asset a
left join revision r on r.asset_id = a.id and r.number = a.revision
left join asset_signal s on s.asset_id = a.id;
