-- A source that a newer one replaces: the sweeper removes it. $1 upload that brought it, $2 asset.
insert into upload (id, asset_id, owner, lease_until, abandoned_at) values ($1, $2, '', now(), now())
on conflict (id) do nothing
