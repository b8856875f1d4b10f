-- Nothing of it is left in the store. $1 id.
delete from resumable_upload where id = $1
