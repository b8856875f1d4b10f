-- Sessions that are new; whoever begins one first, owns it. $1 sessions, $2 viewers, $3 assets, $4 whether programs.
insert into sitting (session, viewer, asset_id, bot)
select * from unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) order by 1
on conflict do nothing
