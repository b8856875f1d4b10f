-- Uploads whose bytes are all there and whose object nobody is making. $1 rows.
select id from resumable_upload where state = 'whole' and lease_until < now() order by lease_until limit $1
