-- Lets only one transaction at a time change several tasks of a revision: chunks end side by side.
-- $1 asset id, $2 revision
select from revision where asset_id = $1 and number = $2 for no key update
