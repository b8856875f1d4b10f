-- Uploads to clear away: expired, or of an asset that is gone or has another upload now. $1 rows.
select * from resumable_upload r
where (expires_at < now() and state <> 'whole')
   or (asset_id is not null and state in ('open', 'whole') and lease_until < now()
       and not exists (select from upload u where u.id = r.id and u.abandoned_at is null))
order by expires_at limit $1
