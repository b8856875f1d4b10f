-- What one viewer began and did not finish, the latest first. Arguments as of list_history.
select a.*, v.position_ms, v.finished, v.watched_at
from viewing v
join asset_shown a on a.id = v.asset_id and a.deleted_at is null
where v.viewer = $1 and not v.finished and v.position_ms >= 5000
  and (v.watched_at, v.asset_id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
order by v.watched_at desc, v.asset_id desc
limit $4
