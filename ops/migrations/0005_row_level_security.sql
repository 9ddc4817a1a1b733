-- A user reaches what is theirs and nothing else, in the database itself. The owner of the tables (the login role
-- of our processes) is not bound by this; requests are, for they run as `authenticated`. Jobs are read only:
-- they come into being through the API alone.
-- auth.uid () stands in a sub-select so that it is asked once a statement and not once a row.

set local search_path = public, extensions;

alter table public.profiles enable row level security;
alter table public.projects enable row level security;
alter table public.project_files enable row level security;
alter table public.learning_roadmaps enable row level security;
alter table public.daily_sessions enable row level security;
alter table public.chat_messages enable row level security;
alter table public.agent_jobs enable row level security;
alter table public.pattern_embeddings enable row level security;    -- no policy: internal
alter table public.waitlist enable row level security;              -- no policy: internal

create policy own on public.profiles to authenticated
    using (id = (select auth.uid ())) with check (id = (select auth.uid ()));
create policy own on public.projects to authenticated
    using (user_id = (select auth.uid ())) with check (user_id = (select auth.uid ()));
create policy own on public.agent_jobs for select to authenticated
    using (user_id = (select auth.uid ()));

-- the sub-select on projects is under its own policy, which adds the owner
create policy own on public.project_files to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())))
    with check (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));
create policy own on public.learning_roadmaps to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())))
    with check (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));
create policy own on public.daily_sessions to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())))
    with check (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));
create policy own on public.chat_messages to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())))
    with check (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));

-- Supabase grants everything on new tables, truncation included, which no policy stops
revoke all on public.profiles, public.projects, public.project_files, public.learning_roadmaps, public.daily_sessions,
    public.chat_messages, public.agent_jobs, public.pattern_embeddings, public.waitlist
    from public, anon, authenticated;
grant usage on schema public to authenticated, service_role;
grant select, insert, update, delete on public.profiles, public.projects, public.project_files,
    public.learning_roadmaps, public.daily_sessions, public.chat_messages to authenticated;
grant select on public.agent_jobs, public.pattern_embeddings to authenticated;
grant select, insert, update, delete on public.profiles, public.projects, public.project_files,
    public.learning_roadmaps, public.daily_sessions, public.chat_messages, public.agent_jobs,
    public.pattern_embeddings, public.waitlist to service_role;
