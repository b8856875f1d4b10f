-- Create an asset without a source. $1 id, $2 title, $3 owner, $4 description, $5 tags, $6 category, $7 language, $8 visibility,
-- $9 publish_at. A taken id is a unique violation.
insert into asset (id, state, title, owner_id, description, tags, category, language, visibility, publish_at)
values ($1, 'waiting', $2, $3, $4, $5, $6, $7, $8, $9)
