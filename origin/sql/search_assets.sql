-- The best of what a text finds among public assets. $1 text, $2 its language (BCP 47), $3 labels, $4, $5, $6
-- rank, listed_at and id of the last row before, or nulls; $7 rows. Nothing for a text without words, any text is valid.
-- Ranking looks at 300 hits; of a text that has more, also at 200 among the newest 600 assets.
with said as materialized (
    select websearch_to_tsquery('simple', $1) || websearch_to_tsquery(search_config($2), $1) as words
),
wanted as materialized (
    select words, words && label_query($3::text[]) as query from said where numnode(words) > 0
),
hits as materialized (
    select a.id, coalesce(a.publish_at, a.created_at) as listed_at, ts_rank('{0.05, 0.2, 0.4, 1.0}', a.search, w.words, 1) as rank
    from wanted w join asset a on a.search @@ w.query
    limit 301
),
newest as materialized (
    select a.id, l.listed_at, ts_rank('{0.05, 0.2, 0.4, 1.0}', a.search, w.words, 1) as rank
    from wanted w,
         (select asset_id, listed_at from asset_label where label = '*' order by listed_at desc, asset_id desc limit 600) l,
         lateral (select id, search from asset where id = l.asset_id offset 0) a -- by its key: the index has too many hits
    where (select count(*) from hits) > 300 and a.search @@ w.query
    limit 200
),
ranked as (
    select id, listed_at, round(rank * 1000000)::integer as rank from hits
    union
    select id, listed_at, round(rank * 1000000)::integer from newest
),
page as materialized (
    select * from ranked
    where (rank, listed_at, id) < (coalesce($4::integer, 2147483647), coalesce($5::timestamptz, 'infinity'), coalesce($6::text, ''))
    order by rank desc, listed_at desc, id desc
    limit $7
)
select s.*, page.rank, page.listed_at from page join asset_shown s on s.id = page.id
order by page.rank desc, page.listed_at desc, page.id desc
