-- Write what was edited; the row is locked. $1 id, $2 title, $3 description, $4 tags, $5 category, $6 language, $7 visibility,
-- $8 publish_at, $9 owner.
update asset set title = $2, description = $3, tags = $4, category = $5, language = $6, visibility = $7, publish_at = $8,
                 owner_id = $9, version = version + 1, updated_at = now()
where id = $1
