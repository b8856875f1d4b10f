-- Uploads whose objects can go: given up a lease ago, and no worker reads them. $1 lease (interval), $2 rows.
select id, asset_id from upload u
where abandoned_at < now() - $1::interval
  and not exists (select from task t where t.asset_id = u.asset_id and t.finished_at is null and t.lease_until > now())
order by abandoned_at limit $2
