-- Take an asset for a change of its state. $1 id. No row: unknown or deleted.
select state, source_key, source_bytes, source_sha256 from asset where id = $1 and deleted_at is null for update
