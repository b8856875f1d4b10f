-- A new resumable upload. $1 id, $2 asset (null: partial), $3 object key, $4 handle, $5 length, $6 part size, $7 metadata,
-- $8 file name, $9 sha256, $10 partial uploads to join, $11 state, $12 life (interval). The bytes of a whole one are there.
insert into resumable_upload (id, asset_id, object_key, handle, length_bytes, offset_bytes, part_bytes, metadata, file_name,
                              sha256, joins, state, expires_at)
values ($1, $2, $3, $4, $5::bigint, case when $11::text = 'whole' then $5::bigint else 0 end, $6, $7, $8, $9, $10, $11::text,
        now() + $12::interval)
returning *
