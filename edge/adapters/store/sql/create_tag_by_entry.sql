-- To find the surrogate keys of an entry that goes.
CREATE INDEX IF NOT EXISTS Tag_entry ON Tag (entry)
