-- Keeps the plan of a revision.
-- $1 asset id, $2 revision, $3 plan (jsonb)
update revision set plan = $3 where asset_id = $1 and number = $2
