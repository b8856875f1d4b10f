-- The object of a given-up upload is gone. $1 upload.
delete from upload where id = $1 and abandoned_at is not null
