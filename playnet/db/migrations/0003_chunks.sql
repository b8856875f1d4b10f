-- The timeline is encoded in chunks: `task.part` numbers them, and they are not equally long.

alter table task add column cost real not null default 1 check (cost > 0); -- among tasks of one kind: a chunk's frames
