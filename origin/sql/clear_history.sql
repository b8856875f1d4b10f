-- All of a viewer's history. $1 viewer.
delete from viewing where viewer = $1 returning asset_id
