-- Keeps what manifests are rendered from, and what lists show of it.
-- $1 asset id, $2 revision, $3 presentation (jsonb), $4 summary (jsonb)
update revision set presentation = $3, summary = $4, published_at = now() where asset_id = $1 and number = $2
