-- A visitor without a token, as Supabase lets them in: nothing to read, nothing to write, nothing to call.
-- (As an administrator: our own login role cannot become anon.)

begin;
select plan (24);
select tap.fill ();
set local role anon;
select set_config ('request.jwt.claims', json_build_object ('sub', tap.anne (), 'role', 'anon')::text, true);

select throws_ok ('select * from public.' || t, '42501', null, t || ': not to be read')
from unnest (array ['projects', 'profiles', 'agent_jobs', 'project_files', 'learning_roadmaps', 'daily_sessions', 'chat_messages',
                    'pattern_embeddings', 'waitlist']) t;
select throws_ok ('delete from public.' || t, '42501', null, t || ': not to be deleted')
from unnest (array ['projects', 'profiles', 'agent_jobs', 'project_files', 'learning_roadmaps', 'daily_sessions', 'chat_messages',
                    'pattern_embeddings', 'waitlist']) t;
select throws_ok ($$ insert into public.projects (user_id, title) values (tap.anne (), 'Anne''s') $$, '42501', null, 'projects: none to be made');
select throws_ok ($$ insert into public.profiles (id) values (tap.anne ()) $$, '42501', null, 'profiles: none to be made');
select throws_ok ($$ insert into public.waitlist (email) values ('b@example.org') $$, '42501', null, 'waitlist: only through the API');
select throws_ok ($$ update public.agent_jobs set status = 'completed' $$, '42501', null, 'agent_jobs: not to be changed');
select throws_ok ($$ select * from match_patterns ((array [1.0] || array_fill (0::float8, '{1535}'))::vector, 5) $$, '42501', null, 'match_patterns: not to be asked');
select throws_ok ($$ select * from codeforge.job_events $$, '42501', null, 'codeforge: out of reach');

select * from finish ();
rollback;
