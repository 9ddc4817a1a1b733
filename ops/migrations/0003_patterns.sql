-- Long-term memory: what worked before, found by the nearness of its embedding (cosine).

set local search_path = public, extensions;

create table public.pattern_embeddings (
    id uuid primary key default gen_random_uuid (),
    pattern_type text not null,
    content text not null,
    metadata jsonb not null default '{}' check (jsonb_typeof (metadata) = 'object'),
    embedding vector (1536) not null,
    created_at timestamptz not null default now ()
);
create index pattern_embeddings_nearest on public.pattern_embeddings using hnsw (embedding vector_cosine_ops);

create function public.match_patterns (
    query_embedding vector (1536), match_count integer default 5, filter_type text default null)
returns table (id uuid, content text, metadata jsonb, pattern_type text, similarity double precision)
language sql stable set search_path = public, extensions set hnsw.ef_search = 100 as $$
    select p.id, p.content, p.metadata, p.pattern_type, 1 - (p.embedding <=> query_embedding)
    from public.pattern_embeddings p
    where filter_type is null or p.pattern_type = filter_type
    order by p.embedding <=> query_embedding
    limit greatest (0, least (match_count, 100))
$$;

-- without it a rare filter_type finds less than is there: the index is asked once, then filtered
do $$
begin
    if (select string_to_array (extversion, '.')::integer [] >= '{0,8,0}' from pg_extension where extname = 'vector') then
        alter function public.match_patterns (vector, integer, text) set hnsw.iterative_scan = 'strict_order';
    end if;
end
$$;
