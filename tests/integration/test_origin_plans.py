"""The origin's frequent statements find their rows by an index, however large the tables are."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from origin.adapters.statements import SQL
from playnet.db.migrate import migrate
from tests.aio import run

_FILL = """
insert into asset (id, title, state, created_at, deleted_at, restore_until, publish_at)
select translate(substr(md5(n::text), 1, 12), '01', 'xy'), 'title ' || n, 'ready', now() - n * interval '1 min',
       case when n % 1000 = 0 then now() end, case when n % 1000 = 0 then now() end,
       case when n % 3 = 0 then now() - n * interval '1 min' end
from generate_series(1, 5000) n;
insert into revision (asset_id, number) select id, 1 from asset;
insert into task (asset_id, revision, kind, state) select asset_id, 1, 'probe', 'done' from revision;
insert into purge_order (body, relayed_at) select '{}', now() from generate_series(1, 5000);
insert into revocation_order (body, relayed_at) select '{}', now() from generate_series(1, 5000);
insert into upload (id, asset_id, owner, lease_until) select id, id, 'o', now() + interval '1 h' from asset limit 200;
insert into account (id, email, name, created_at)
select translate(substr(md5(n::text), 1, 12), '01', 'xy'), n || '@example.org', 'n', now() - n * interval '1 min'
from generate_series(1, 5000) n;
insert into external_identity (issuer, subject, account_id) select 'https://i.example', email, id from account;
insert into api_token (id, account_id, name, sha256, scopes)
select id, id, 'n', sha256(id::bytea), '{publish}' from account;
insert into creation_key (actor, key, fingerprint, target) select 'automation', id, sha256(id::bytea), id from asset;
insert into audit_entry (actor, actor_name, action, target) select id, email, 'account.edit', id from account;
insert into asset_signal (asset_id) select id from asset;
insert into reaction (asset_id, account_id, value) select a.id, a.id, 1 from asset a;
insert into sitting (session, viewer, asset_id, bot) select id || '-session', id, id, false from asset;
insert into asset_view (asset_id, viewer, at_ms) select id, id, 1000000 from asset;
insert into viewing (viewer, asset_id, position_ms, watched_at) select id, id, 60000, created_at from asset;
insert into viewing (viewer, asset_id, position_ms, watched_at) select 'me', id, 60000, created_at from asset;
insert into watch_later (account_id, asset_id, added_at) select id, id, created_at from asset;
insert into asset_heat (asset_id, revision, minute, plays) select id, 1, 0, '{1}' from asset;
analyze;
"""
_NOW = datetime.now(UTC)
_ID = "a" * 12
_MS = 1_767_607_200_000
_SMALL = {"upload"}  # holds the uploads under way, nothing else
_FREQUENT: dict[str, tuple[Any, ...]] = {
    "show_asset": ("a" * 12,),
    "list_own_assets": ("a" * 12, _NOW, "a" * 12, 51, [], False),
    "list_every_asset": (_NOW, "a" * 12, 51, []),
    "asset_standing": ("a" * 12,),
    "publish_scheduled": (),
    "lately_published": (timedelta(seconds=3), timedelta(seconds=20)),
    "former_creation": ("automation", "k"),
    "forget_creations": (timedelta(days=1),),
    "asset_lives": ("a" * 12,),
    "presentation": ("a" * 12, None),
    "open_upload": ("a" * 12,),
    "pending_purges": (4_990, 200),
    "pending_revocations": (4_990, 200),
    "abandon_lapsed_uploads": (),
    "deleted_assets": (50,),
    "cancel_tasks": ("a" * 12,),
    "account_of_session": ("a" * 12, "https://i.example", "1@example.org"),
    "use_api_token": ("a" * 12,),
    "list_api_tokens": ("a" * 12,),
    "password_of": ("1@example.org",),
    "find_identity": ("https://i.example", "1@example.org"),
    "list_accounts": (_NOW, "a" * 12, 51),
    "list_audit": (4_990, 51),
    "list_audit_of": (None, 51, "a" * 12),
    "other_admins": ("a" * 12,),
    "watchable_assets": ([_ID],),
    "lock_sittings": (["s"],),
    "begin_sittings": (["s"], [_ID], [_ID], [False]),
    "save_sittings": (["s"], ["{}"], ["{}"], [0], [0], [0], [False]),
    "forget_sittings": (10, 100),
    "lock_viewings": ([_ID], [_ID]),
    "save_viewings": ([_ID], [_ID], ["[]"], [0], [False], [_NOW]),
    "near_views": ([_ID], [_ID], [_MS], 1_800_000),
    "add_signals": ([_ID], [1], [1], [0], [0]),
    "add_heat": ([_ID], [1], [0], ["{1}"]),
    "heat_of": (_ID, 1),
    "presentation_of": (_ID, 1),
    "show_viewing": (_ID, _ID),
    "viewings_of": (_ID, 1000),
    "forget_viewings": (_ID, [_ID]),
    "clear_history": (_ID,),
    "move_views": (_ID, _ID, [_ID]),
    "begin_reaction": (_ID, _ID),
    "change_reaction": (_ID, _ID, 1),
    "drop_reaction": (_ID, _ID),
    "show_reaction": (_ID, _ID),
    "show_signals": (_ID,),
    "list_history": ("me", _NOW, _ID, 51),
    "list_continue": ("me", _NOW, _ID, 51),
    "list_watch_later": (_ID, _NOW, _ID, 51),
    "count_watch_later": (_ID,),
    "drop_watch_later": (_ID, _ID),
}


def test_no_frequent_statement_scans_a_table(postgres_dsn: str) -> None:
    async def scenario() -> None:
        await migrate(postgres_dsn)
        connection = await asyncpg.connect(postgres_dsn)
        await connection.set_type_codec("json", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        await connection.execute(_FILL)
        for mode in ("force_custom_plan", "force_generic_plan"):
            await connection.execute(f"set plan_cache_mode = {mode}")
            for name, values in _FREQUENT.items():
                (document,) = await connection.fetchval(f"explain (format json) {SQL[name]}", *values)
                assert not set(_scans(document["Plan"])) - _SMALL, (name, mode, document)
        await connection.close()

    run(scenario())


def _scans(plan: dict[str, Any]) -> Any:
    """Tables that are read from one end to the other."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for child in plan.get("Plans", ()):
        yield from _scans(child)
