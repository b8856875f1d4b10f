-- Sums up an asset's progress from the tasks of one revision, weighted by what they cost; it never goes back.
-- $1 asset id, $2 revision
update asset
set progress = greatest(asset.progress, least(0.999, done.share)), updated_at = now()
from (
    select sum(weight * share) / sum(weight) as share
    from (
        select kind, sum(cost * progress) / sum(cost) as share
        from task
        where asset_id = $1 and revision = $2 and state <> 'cancelled'
        group by kind
    ) as each_kind
    join (values ('probe', 2), ('video', 88), ('audio', 6), ('text', 1), ('thumbs', 2), ('publish', 2)) as kinds (kind, weight) using (kind)
) as done
where asset.id = $1 and asset.state = 'processing' and done.share is not null
