-- Accounts, the identities that providers vouch for, API tokens, and the append-only record of administrative acts.

create table account (
    id                  text primary key check (id ~ '^[a-z0-9]{12}$'),
    email               text not null unique check (char_length(email) between 3 and 254), -- origin.core.emails
    name                text not null check (char_length(name) between 1 and 200),
    password_hash       text,                            -- PHC string; null: signs in by a provider only
    roles               text[] not null default '{}'     -- granted here; a provider's come on top of them
                        check (roles <@ array['admin', 'operator', 'publisher', 'viewer']),
    disabled_at         timestamptz,
    sessions_since      timestamptz not null default '-infinity', -- sessions that began at or before it are over
    version             integer not null default 1,      -- counts edits: the entity tag
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now()
);
create index account_newest on account (created_at desc, id desc);
create index account_admins on account (id) where 'admin' = any(roles) and disabled_at is null;

create table external_identity (
    issuer     text not null,
    subject    text not null check (char_length(subject) between 1 and 255), -- OpenID Connect Core 1.0 §2
    account_id text not null references account on delete cascade,
    roles      text[] not null default '{}'              -- by the claims of the last sign-in
               check (roles <@ array['admin', 'operator', 'publisher', 'viewer']),
    created_at timestamptz not null default now(),
    seen_at    timestamptz not null default now(),
    primary key (issuer, subject)
);
create index external_identity_account on external_identity (account_id);

create table api_token (
    id         text primary key check (id ~ '^[a-z0-9]{12}$'), -- the visible part of the token
    account_id text not null references account on delete cascade,
    name       text not null check (char_length(name) between 1 and 200),
    sha256     bytea not null check (octet_length(sha256) = 32), -- of the secret part: 256 random bits need no salt
    scopes     text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    used_at    timestamptz,                              -- to the minute
    revoked_at timestamptz
);
create index api_token_account on api_token (account_id, created_at desc);

create table audit_entry (
    id         bigint generated always as identity primary key,
    at         timestamptz not null default now(),
    actor      text not null,                            -- account id, or 'automation' for the appliance's API token
    actor_name text not null,                            -- as it was then
    action     text not null,
    target     text,
    details    jsonb not null default '{}',
    request_id text,
    address    text
);
create index audit_entry_target on audit_entry (target, id desc);

-- No statement changes what was written; only the owner of the database can, by dropping the trigger.
create function audit_entry_is_final() returns trigger language plpgsql as $$
begin
    raise exception 'audit entries are append-only';
end $$;
create trigger audit_entry_is_final before update or delete or truncate on audit_entry
    for each statement execute function audit_entry_is_final();
