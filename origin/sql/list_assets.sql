-- One page of a public list, the newest first. $1 label ('*': all), $2, $3 listed_at and id of the last row before it, or nulls
-- for the first page; $4 rows; $5 labels that each must have as well.
with page as materialized (
    select l.listed_at, l.asset_id
    from asset_label l
    where l.label = $1
      and (l.listed_at, l.asset_id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
      and ($5::text[] = '{}' or $5 <@ (select array_agg(o.label) from asset_label o where o.asset_id = l.asset_id))
    order by l.listed_at desc, l.asset_id desc
    limit $4
)
select s.* from page join asset_shown s on s.id = page.asset_id
order by page.listed_at desc, page.asset_id desc
