-- Words that share a spelling with one of these. $1 spellings, those of one word and without one letter each.
select distinct key, word from search_spelling where key = any($1::text[]) limit 2000
