-- One resumable upload. $1 id.
select * from resumable_upload where id = $1 and expires_at > now()
