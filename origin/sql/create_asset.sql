-- Create an asset without a source. $1 id, $2 title. A taken id is a unique violation.
insert into asset (id, title, state) values ($1, $2, 'waiting')
returning id, title, state, failure, progress, source_name, source_bytes, uploaded_bytes, revision,
          null::jsonb as presentation, created_at, updated_at
