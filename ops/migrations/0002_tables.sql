-- What the web app reads through Supabase. One owner process writes each table: `jobs` agent_jobs, `memory`
-- pattern_embeddings, `store` the rest. A user is whoever the token's `sub` says; there is no table of users.

set local search_path = public, extensions;

create function codeforge.touch () returns trigger language plpgsql set search_path = '' as $$
begin
    new.updated_at := now ();
    return new;
end
$$;

create table public.profiles (
    id uuid primary key,                                -- the user
    username text unique check (char_length (username) between 2 and 50),
    full_name text check (char_length (full_name) between 1 and 200),
    avatar_url text check (char_length (avatar_url) <= 500),
    skill_level text check (skill_level in ('beginner', 'intermediate', 'advanced')),
    created_at timestamptz not null default now (),
    updated_at timestamptz not null default now ()
);

create table public.projects (
    id uuid primary key default gen_random_uuid (),
    user_id uuid not null,
    title text not null check (char_length (title) between 3 and 200),
    description text check (char_length (description) <= 1000),
    mode text not null default 'builder' check (mode in ('builder', 'student')),
    status text not null default 'planning'
        check (status in ('planning', 'in-progress', 'building', 'completed', 'archived')),
    requirements_spec jsonb,
    architecture_spec jsonb,
    tech_stack jsonb not null default '[]' check (jsonb_typeof (tech_stack) = 'array'),
    created_at timestamptz not null default now (),
    updated_at timestamptz not null default now ()
);
create index projects_newest on public.projects (user_id, created_at desc);

create table public.project_files (
    id uuid primary key default gen_random_uuid (),
    project_id uuid not null references public.projects (id) on delete cascade,
    path text not null check (char_length (path) between 1 and 500),
    content text not null check (char_length (content) <= 100000),
    language text not null default 'text'
        check (language in ('typescript', 'javascript', 'jsx', 'tsx', 'css', 'html', 'json', 'markdown', 'text')),
    version integer not null default 1 check (version >= 1),
    created_at timestamptz not null default now (),
    updated_at timestamptz not null default now (),
    unique (project_id, path)
);

create table public.learning_roadmaps (
    id uuid primary key default gen_random_uuid (),
    project_id uuid not null unique references public.projects (id) on delete cascade,   -- a second one replaces the first
    modules jsonb not null check (jsonb_typeof (modules) = 'array'),
    current_step_index integer not null default 0 check (current_step_index >= 0),
    created_at timestamptz not null default now (),
    updated_at timestamptz not null default now ()
);

create table public.daily_sessions (
    id uuid primary key default gen_random_uuid (),
    project_id uuid not null references public.projects (id) on delete cascade,
    transcript jsonb not null default '[]' check (jsonb_typeof (transcript) = 'array'),
    concepts_covered jsonb not null default '[]' check (jsonb_typeof (concepts_covered) = 'array'),
    duration_minutes integer not null default 0 check (duration_minutes between 0 and 480),
    created_at timestamptz not null default clock_timestamp ()
);
create index daily_sessions_newest on public.daily_sessions (project_id, created_at desc);

create table public.chat_messages (
    id uuid primary key default gen_random_uuid (),
    project_id uuid not null references public.projects (id) on delete cascade,
    role text not null check (role in ('user', 'assistant', 'system')),
    content text not null,
    is_thinking boolean not null default false,
    metadata jsonb not null default '{}' check (jsonb_typeof (metadata) = 'object'),
    created_at timestamptz not null default clock_timestamp ()      -- several in one transaction keep their order
);
create index chat_messages_in_order on public.chat_messages (project_id, created_at);

create table public.waitlist (
    id uuid primary key default gen_random_uuid (),
    email text not null check (char_length (email) between 3 and 320),
    created_at timestamptz not null default now ()
);
create unique index waitlist_email on public.waitlist (lower (email));

-- Takes thousands of inserts a second: few indexes, room in each page so that progress updates stay on it (HOT),
-- and no foreign key, which would lock the project's row for each of its jobs. Ownership of the project is
-- checked by the statement that inserts.
create table public.agent_jobs (
    id uuid primary key,
    project_id uuid,                                    -- null: asked outside of any project
    user_id uuid not null,
    agent_type text not null
        check (agent_type in ('research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'builder')),
    status text not null default 'queued'
        check (status in ('queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled')),
    input_context jsonb not null default '{}',
    result jsonb,
    error text,
    progress integer not null default 0 check (progress between 0 and 100),
    stage text not null default 'queued',
    attempt integer not null default 1 check (attempt >= 1),       -- the fencing token
    priority integer not null default 0,
    last_event bigint not null default 0,               -- seq of the newest event, here for who counts on
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost_usd numeric (14, 6) not null default 0,
    calls integer not null default 0,
    simulated boolean not null default false,
    spent_ms bigint not null default 0,                 -- working time used up; waiting for input does not count
    idempotency_key text,
    request_hash bytea,
    trace text,                                         -- W3C traceparent of the request
    created_at timestamptz not null default now (),
    started_at timestamptz,
    completed_at timestamptz,
    updated_at timestamptz not null default now ()
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
create index agent_jobs_newest on public.agent_jobs (project_id, created_at desc);
create index agent_jobs_open on public.agent_jobs (user_id, created_at)
    where status in ('queued', 'running', 'waiting_for_input');
create unique index agent_jobs_idempotency on public.agent_jobs (user_id, idempotency_key)
    where idempotency_key is not null;

create trigger touch before update on public.profiles for each row execute function codeforge.touch ();
create trigger touch before update on public.projects for each row execute function codeforge.touch ();
create trigger touch before update on public.project_files for each row execute function codeforge.touch ();
create trigger touch before update on public.learning_roadmaps for each row execute function codeforge.touch ();
