-- Sessions that beats came for, in one order for everybody, kept from others to the end of the transaction. $1 sessions.
select session, viewer, asset_id, bot, seen::text, covered::text, claimed_ms, began_ms, last_ms, judged
from sitting where session = any($1::text[]) order by session for update
