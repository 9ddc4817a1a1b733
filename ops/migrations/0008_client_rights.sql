-- What a user may do to what is theirs, statement by statement and column by column. It binds the web app, which speaks to
-- the database itself, and our own statements alike: those that a user asked for run as `authenticated` with the user's
-- claims. What only agents write (specifications, roadmaps, an assistant's words, jobs) is written by the owner of the
-- tables, for whom no policy is needed. Projects are archived, never deleted; what was said and learned stays as it was.

set local search_path = public, extensions;

drop policy own on public.profiles;
create policy read_own on public.profiles for select to authenticated
    using (id = (select auth.uid ()));
create policy insert_own on public.profiles for insert to authenticated
    with check (id = (select auth.uid ()));
create policy update_own on public.profiles for update to authenticated
    using (id = (select auth.uid ())) with check (id = (select auth.uid ()));

drop policy own on public.projects;
create policy read_own on public.projects for select to authenticated
    using (user_id = (select auth.uid ()));
create policy insert_own on public.projects for insert to authenticated
    with check (user_id = (select auth.uid ()));
create policy update_own on public.projects for update to authenticated
    using (user_id = (select auth.uid ())) with check (user_id = (select auth.uid ()));

-- the sub-selects on projects are under its own policy, which adds the owner a second time: neither alone is relied on
drop policy own on public.project_files;
create policy read_own on public.project_files for select to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));
create policy insert_own on public.project_files for insert to authenticated
    with check (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));
create policy update_own on public.project_files for update to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())))
    with check (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));
create policy delete_own on public.project_files for delete to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));

drop policy own on public.learning_roadmaps;
create policy read_own on public.learning_roadmaps for select to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));
create policy update_own on public.learning_roadmaps for update to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())))
    with check (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));

drop policy own on public.daily_sessions;
create policy read_own on public.daily_sessions for select to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));
create policy insert_own on public.daily_sessions for insert to authenticated
    with check (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));

-- nobody speaks as the assistant but the assistant
drop policy own on public.chat_messages;
create policy read_own on public.chat_messages for select to authenticated
    using (exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));
create policy insert_own on public.chat_messages for insert to authenticated
    with check (role = 'user' and char_length (content) <= 100000
                and exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid ())));

drop policy own on public.agent_jobs;
create policy read_own on public.agent_jobs for select to authenticated
    using (user_id = (select auth.uid ()));

revoke insert, update, delete on public.profiles, public.projects, public.project_files, public.learning_roadmaps,
    public.daily_sessions, public.chat_messages, public.agent_jobs, public.pattern_embeddings from authenticated;
grant insert (id, username, full_name, avatar_url, skill_level),
    update (username, full_name, avatar_url, skill_level) on public.profiles to authenticated;
grant insert (id, user_id, title, description, mode, tech_stack),
    update (title, description, status) on public.projects to authenticated;
grant insert (id, project_id, path, content, language),
    update (content, language, version), delete on public.project_files to authenticated;
grant update (modules, current_step_index) on public.learning_roadmaps to authenticated;
grant insert (id, project_id, transcript, concepts_covered, duration_minutes) on public.daily_sessions to authenticated;
grant insert (id, project_id, role, content) on public.chat_messages to authenticated;
