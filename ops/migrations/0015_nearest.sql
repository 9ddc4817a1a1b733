-- Patterns at scale. The index holds half-precision copies, half the size of the table, and is searched generously; what it finds
-- is put into order by the vectors themselves (ops/bench/PATTERNS.md has the figures of this and of what it was chosen over). An older
-- pgvector has no half precision (0.7) or does not go on searching where a filter leaves too few (0.8): the vectors' own index
-- stays then, and too few of a type are found by comparing all of it.

set local search_path = public, extensions;

alter table public.pattern_embeddings add column kept_at timestamptz not null default now ();  -- last time that it proved itself
create index pattern_embeddings_type on public.pattern_embeddings (pattern_type);

do $migration$
declare
    distance text := 'p.embedding <=> query_embedding';
begin
    perform '[1]'::vector;      -- loads the library: before that, only a superuser may speak of its settings
    if to_regtype ('halfvec') is not null then
        distance := 'p.embedding::halfvec (1536) <=> query_embedding::halfvec (1536)';
        perform set_config ('maintenance_work_mem', '256MB', true);     -- taken only where there are patterns already
        drop index public.pattern_embeddings_nearest;
        create index pattern_embeddings_nearest on public.pattern_embeddings
            using hnsw ((embedding::halfvec (1536)) halfvec_cosine_ops) with (m = 16, ef_construction = 200);
    end if;

    -- enable_sort: the order comes from the index, whatever the planner guesses. "+ 0": no index has that order.
    execute format ($format$
        create or replace function public.match_patterns (
            query_embedding vector (1536), match_count integer default 5, filter_type text default null)
        returns table (id uuid, content text, metadata jsonb, pattern_type text, similarity double precision)
        language plpgsql stable
        set search_path = public, extensions set hnsw.ef_search = 120 set enable_sort = off as $function$
        declare
            wanted integer := greatest (0, least (match_count, 100));
            near uuid [] := '{}';
        begin
            if filter_type is null then
                near := array (select p.id from public.pattern_embeddings p order by %1$s limit 2 * wanted + 10);
            else
                if exists (select from public.pattern_embeddings p where p.pattern_type = filter_type offset 2000) then
                    near := array (select p.id from public.pattern_embeddings p where p.pattern_type = filter_type
                                   order by %1$s limit 2 * wanted + 10);
                end if;
                if cardinality (near) < wanted then
                    near := array (select p.id from public.pattern_embeddings p where p.pattern_type = filter_type
                                   order by (p.embedding <=> query_embedding) + 0 limit wanted);
                end if;
            end if;
            return query select p.id, p.content, p.metadata, p.pattern_type, 1 - (p.embedding <=> query_embedding)
                from public.pattern_embeddings p where p.id = any (near)
                order by (p.embedding <=> query_embedding) + 0 limit wanted;
        end
        $function$
        $format$, distance);
    if (select string_to_array (extversion, '.')::integer [] >= '{0,8,0}' from pg_extension where extname = 'vector') then
        alter function public.match_patterns (vector, integer, text) set hnsw.iterative_scan = 'relaxed_order';
    end if;
end
$migration$;

-- Keeps a pattern once. One of its type that is as good as the same (cosine over `same`) stands for it: it is remembered as kept
-- now, and in the new one's words unless its own score is higher. Where most is given, those beyond it that were kept longest ago
-- go, 10,000 at a time. Two at once would not see each other: they take turns.
create function codeforge.keep_pattern (
    new_id uuid, new_type text, new_content text, new_metadata jsonb, new_embedding vector (1536), same double precision, most bigint)
returns void language plpgsql set search_path = public, extensions as $$
declare
    twin uuid;
begin
    perform pg_advisory_xact_lock (4859212909092237928);
    select m.id into twin from public.match_patterns (new_embedding, 1, new_type) m
        where m.similarity > same and m.similarity <> 'NaN';
    if twin is null then
        insert into public.pattern_embeddings (id, pattern_type, content, metadata, embedding)
            values (new_id, new_type, new_content, new_metadata, new_embedding) on conflict (id) do nothing;
    else
        update public.pattern_embeddings p
            set kept_at = now (),
                content = case when p.metadata -> 'score' > new_metadata -> 'score' then p.content else new_content end,
                metadata = case when p.metadata -> 'score' > new_metadata -> 'score' then p.metadata else new_metadata end
            where p.id = twin;
    end if;
    if most is not null then
        delete from public.pattern_embeddings where id in (
            select p.id from public.pattern_embeddings p order by p.kept_at
            limit greatest (0, least (10000, (select count (*) from public.pattern_embeddings) - most)));
    end if;
end
$$;
