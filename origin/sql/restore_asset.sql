-- Take a deletion back. $1 id, $2 whether its processing starts again.
update asset set deleted_at = null, restore_until = null, updated_at = now(),
                 state = case when $2::boolean then 'queued' else state end,
                 progress = case when $2::boolean then 0 else progress end
where id = $1
