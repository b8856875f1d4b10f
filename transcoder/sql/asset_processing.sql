-- Shows that work on an asset has begun.
-- $1 asset id
update asset set state = 'processing', updated_at = now() where id = $1 and state = 'queued'
