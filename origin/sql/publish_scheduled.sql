-- Scheduled assets whose moment has come are public from now on.
update asset set visibility = 'public', version = version + 1, updated_at = now()
where publish_at <= now() and visibility = 'scheduled' and deleted_at is null
returning id
