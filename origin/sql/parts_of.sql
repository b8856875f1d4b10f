-- The parts of a resumable upload in order. $1 upload.
select number, size_bytes, tag from resumable_part where upload_id = $1 order by number
