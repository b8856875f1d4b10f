-- Parts of a resumable upload that stand in the store. $1 upload, $2 numbers, $3 sizes, $4 tags.
insert into resumable_part (upload_id, number, size_bytes, tag)
select $1, * from unnest($2::integer[], $3::integer[], $4::text[])
on conflict (upload_id, number) do update set size_bytes = excluded.size_bytes, tag = excluded.tag
