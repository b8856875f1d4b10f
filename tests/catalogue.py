"""A large catalogue for tests and measurements: generated in the database, words as frequent as in a language."""

import asyncpg

_TRIGGERS = "set session_replication_role = {}"  # foreign keys, too
_INDEX = "create index asset_search on asset using gin (search) with (fastupdate = off)"

# Word number n comes up about 1/n as often as the first (Zipf). Ids have the alphabet of ours.
_WORD = """
create function pg_temp.word(stem text, number int) returns text language sql as
    $f$ select stem || translate(number::text, '0123456789', 'abcdefghij') $f$
"""
_ASSETS = """
insert into asset (id, state, title, description, tags, category, language, created_at, updated_at, revision)
select translate(substr(md5(n::text), 1, 12), '01', 'xy'), 'ready',
       (select string_agg(pg_temp.word('word', trunc(exp(random() * ln(20000)))::int), ' ') from generate_series(1, 5 + n % 2)),
       (select string_agg(pg_temp.word('text', trunc(exp(random() * ln(20000)))::int), ' ') from generate_series(1, 8 + n % 2)),
       array[pg_temp.word('word', n % 50), pg_temp.word('tag', n % 1000)], (array['film', 'music', 'sport', 'science', 'news'])[1 + n % 5],
       (array['en', 'de', 'fr'])[1 + n % 3], now() - n * interval '1 min', now(), 1
from generate_series(1, $1::integer) n
on conflict do nothing
"""
_REVISIONS = """
insert into revision (asset_id, number, presentation, summary, published_at)
select id, 1, $1::text::jsonb, $2::text::jsonb, now() from asset
"""
_LABELS = """
insert into asset_label (label, listed_at, asset_id)
select distinct label, created_at, id from asset, unnest(asset_labels(tags, category, language, owner_id)) label
"""
_LEARN = """
select search_learn(array_agg(distinct word))
from asset, unnest(tsvector_to_array(to_tsvector('simple', title))) word
"""


async def fill(connection: asyncpg.Connection, count: int, *, presentation: str = "{}", summary: str = "{}") -> None:
    """So many public assets with a revision each; triggers' work is done for all at once."""
    await connection.execute(_TRIGGERS.format("replica"))
    await connection.execute("drop index asset_search")
    await connection.execute(_WORD)
    await connection.execute("select setseed(0.5)")
    await connection.execute(_ASSETS, count)
    await connection.execute(_REVISIONS, presentation, summary)
    await connection.execute(_LABELS)
    await connection.execute("insert into asset_signal (asset_id, views) select id, 7 from asset")
    await connection.execute(_LEARN)
    await connection.execute(_INDEX)
    await connection.execute(_TRIGGERS.format("origin"))
    await connection.execute("analyze")


def word(stem: str, number: int) -> str:
    """The word of that number, as `pg_temp.word` makes it."""
    return stem + "".join("abcdefghij"[int(digit)] for digit in str(number))
