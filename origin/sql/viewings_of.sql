-- Everything of one viewer, locked, to be given to an account. $1 viewer, $2 rows at most.
select asset_id, trail from viewing where viewer = $1 order by asset_id limit $2 for update
