-- Assets that became public a moment ago ($1 from, $2 to, seconds): edges may have filled from an origin that did not know yet.
select id from asset
where publish_at between now() - $2::interval and now() - $1::interval and visibility = 'public' and deleted_at is null
