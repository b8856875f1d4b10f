-- Assets to remove now: hidden, not to be restored any more, and nobody writes objects of theirs any more. $1 rows.
select id from asset a
where deleted_at is not null and restore_until <= now()
  and not exists (select from task t where t.asset_id = a.id and t.finished_at is null and t.lease_until > now())
  and not exists (select from upload u where u.asset_id = a.id and u.abandoned_at is null and u.lease_until > now())
order by restore_until limit $1
