-- Totals of one asset. $1 asset.
select coalesce(s.views, 0) as views, coalesce(s.likes, 0) as likes, coalesce(s.dislikes, 0) as dislikes
from asset a left join asset_signal s on s.asset_id = a.id where a.id = $1 and a.deleted_at is null
