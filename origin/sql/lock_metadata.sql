-- Take an asset for an edit. $1 id. No row: unknown or deleted.
select title, description, tags, category, language, visibility, publish_at, owner_id, version
from asset where id = $1 and deleted_at is null for update
