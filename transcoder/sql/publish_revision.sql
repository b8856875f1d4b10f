-- Keeps what manifests are rendered from.
-- $1 asset id, $2 revision, $3 presentation (jsonb)
update revision set presentation = $3, published_at = now() where asset_id = $1 and number = $2
