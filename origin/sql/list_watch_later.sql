-- What one account keeps for later, the newest first. $1 account, $2, $3 time and asset of the last row before, or nulls;
-- $4 rows.
select a.*, w.added_at
from watch_later w
join asset_shown a on a.id = w.asset_id and a.deleted_at is null
where w.account_id = $1
  and (w.added_at, w.asset_id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
order by w.added_at desc, w.asset_id desc
limit $4
