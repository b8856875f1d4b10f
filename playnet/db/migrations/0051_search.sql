-- Full text of public assets, and the words that they are found by, for queries with slips.

-- Word endings are known for these languages; others are matched word by word. Constant names make it immutable.
create function search_config(language text) returns regconfig immutable parallel safe language sql as $$
    select case lower(split_part(language, '-', 1))
        when 'ar' then 'arabic'::regconfig when 'ca' then 'catalan' when 'da' then 'danish' when 'de' then 'german'
        when 'el' then 'greek' when 'en' then 'english' when 'es' then 'spanish' when 'eu' then 'basque'
        when 'fi' then 'finnish' when 'fr' then 'french' when 'ga' then 'irish' when 'hi' then 'hindi'
        when 'hu' then 'hungarian' when 'id' then 'indonesian' when 'it' then 'italian' when 'lt' then 'lithuanian'
        when 'ne' then 'nepali' when 'nl' then 'dutch' when 'nb' then 'norwegian' when 'nn' then 'norwegian'
        when 'no' then 'norwegian' when 'pt' then 'portuguese' when 'ro' then 'romanian' when 'ru' then 'russian'
        when 'sr' then 'serbian' when 'sv' then 'swedish' when 'ta' then 'tamil' when 'tr' then 'turkish'
        when 'yi' then 'yiddish' else 'simple' end
$$;

-- Words as written and by their stems: titles weigh most, then tags, category, description. Labels are words too,
-- so that one index finds text and filters together; no text makes a word with ':' at that place. What is not public has none.
create function asset_text(title text, description text, tags text[], category text, language text, labels text[])
returns tsvector immutable parallel safe language sql as $$
    select setweight(to_tsvector('simple', title) || to_tsvector(search_config(language), title), 'A')
        || setweight(to_tsvector('simple', array_to_string(tags, ' ')), 'B')
        || setweight(to_tsvector('simple', coalesce(category, '')), 'C')
        || setweight(to_tsvector('simple', description) || to_tsvector(search_config(language), description), 'D')
        || array_to_tsvector(labels)
$$;
alter table asset add column search tsvector generated always as (
    case when visibility = 'public' and deleted_at is null
         then asset_text(title, description, tags, category, language,
                         array_remove(asset_labels(tags, category, language, owner_id), '*')) end
) stored;
create index asset_search on asset using gin (search) with (fastupdate = off);

-- All of these labels, as a query. Quotes and backslashes have a meaning there.
create function label_query(labels text[]) returns tsquery immutable parallel safe language sql as $$
    select coalesce(string_agg('''' || replace(replace(label, '\', '\\'), '''', '''''') || '''', ' & '), '')::tsquery
    from unnest(labels) label
$$;

-- Every word of public titles and tags under itself and under each spelling that lacks one letter: two words that are one
-- slip apart share a key (origin.core.spelling).
create table search_spelling (
    key  text collate "C",
    word text collate "C",
    primary key (key, word)
);
create function search_learn(words text[]) returns void language sql as $$
    insert into search_spelling (key, word)
    select distinct spelled.key, fresh.word
    from (
        select distinct term as word from unnest(words) given(term)
        where char_length(term) between 4 and 24 and term !~ '[^[:alpha:]]'
          and not exists (select from search_spelling s where s.key = term and s.word = term)
    ) fresh,
    lateral (
        select fresh.word as key
        union all
        select overlay(fresh.word placing '' from place for 1) from generate_series(1, char_length(fresh.word)) place
    ) spelled
    order by 1, 2 -- one order for all, so that writers who learn the same words do not wait for each other in a circle
    on conflict do nothing
$$;
create function asset_learn() returns trigger language plpgsql as $$
begin
    perform search_learn(tsvector_to_array(to_tsvector('simple', new.title || ' ' || array_to_string(new.tags, ' '))));
    return null;
end $$;
create trigger asset_learn after insert or update of title, tags, visibility on asset
    for each row when (new.visibility = 'public') execute function asset_learn();
select search_learn(array_agg(distinct word))
from asset, unnest(tsvector_to_array(to_tsvector('simple', title))) word where visibility = 'public';
