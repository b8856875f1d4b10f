-- What a manifest is rendered from. $1 asset, $2 revision or null for the current one.
select a.revision as current, r.number, r.presentation, r.published_at, a.visibility
from asset a
left join revision r on r.asset_id = a.id and r.number = coalesce($2, a.revision)
where a.id = $1 and a.deleted_at is null
