-- Subtitles inside a source become caption files: one task makes them all.

alter table task drop constraint task_kind_check;
alter table task add constraint task_kind_check check (kind in ('probe', 'video', 'audio', 'text', 'thumbs', 'publish'));
