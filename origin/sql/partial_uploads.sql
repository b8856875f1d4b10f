-- The partial uploads that a final one names, as far as they are finished. $1 ids.
select id, object_key, length_bytes from resumable_upload
where id = any($1::text[]) and asset_id is null and state = 'finished' and expires_at > now()
