-- Two users on every table: each reads, changes and deletes what is theirs and nothing else, and adds nothing for the other.

begin;
select plan (55);
select tap.fill ();

create temp table owned (name text, mine text, theirs text) on commit drop;
insert into owned values
    ('projects', 'user_id = tap.anne ()', 'user_id = tap.bert ()'),
    ('profiles', 'id = tap.anne ()', 'id = tap.bert ()'),
    ('agent_jobs', 'user_id = tap.anne ()', 'user_id = tap.bert ()'),
    ('project_files', 'project_id = tap.annes ()', 'project_id = tap.berts ()'),
    ('learning_roadmaps', 'project_id = tap.annes ()', 'project_id = tap.berts ()'),
    ('daily_sessions', 'project_id = tap.annes ()', 'project_id = tap.berts ()'),
    ('chat_messages', 'project_id = tap.annes ()', 'project_id = tap.berts ()');
grant select on owned to public;

select tap.become (tap.anne ());

-- select
select results_eq ('select count(*)::int from public.' || name, array [1], name || ': one sees one row of two') from owned;
select results_eq ('select count(*)::int from public.' || name || ' where ' || mine, array [1], name || ': it is one''s own') from owned;
select is_empty ('select 1 from public.' || name || ' where ' || theirs, name || ': the other''s is not there, even when asked for') from owned;

-- update: of the other's nothing is found, one's own is changed
select is_empty ($$ update public.projects set title = 'Taken over' where user_id = tap.bert () returning 1 $$, 'projects: nothing of the other''s to change');
select is_empty ($$ update public.profiles set full_name = 'Taken' where id = tap.bert () returning 1 $$, 'profiles: nothing of the other''s to change');
select is_empty ($$ update public.project_files set content = 'x' where project_id = tap.berts () returning 1 $$, 'project_files: nothing of the other''s to change');
select is_empty ($$ update public.learning_roadmaps set current_step_index = 1 where project_id = tap.berts () returning 1 $$, 'learning_roadmaps: nothing of the other''s to change');
select results_eq ($$ update public.projects set title = 'Mine' returning user_id $$, array [tap.anne ()], 'projects: without a condition one''s own alone is changed');
select results_eq ($$ update public.profiles set full_name = 'Anne' returning id $$, array [tap.anne ()], 'profiles: without a condition one''s own alone is changed');
select results_eq ($$ update public.project_files set content = 'x' returning project_id $$, array [tap.annes ()], 'project_files: without a condition one''s own alone is changed');
select results_eq ($$ update public.learning_roadmaps set current_step_index = 1 returning project_id $$, array [tap.annes ()], 'learning_roadmaps: without a condition one''s own alone is changed');

-- insert: for the other never
select throws_ok ($$ insert into public.projects (user_id, title) values (tap.bert (), 'For Bert') $$, '42501', null, 'projects: none for the other');
select throws_ok ($$ insert into public.profiles (id) values (gen_random_uuid ()) $$, '42501', null, 'profiles: none for the other');
select throws_ok ($$ insert into public.project_files (project_id, path, content) values (tap.berts (), 'src/b.ts', '') $$, '42501', null, 'project_files: none for the other');
select throws_ok ($$ insert into public.daily_sessions (project_id) values (tap.berts ()) $$, '42501', null, 'daily_sessions: none for the other');
select throws_ok ($$ insert into public.chat_messages (project_id, role, content) values (tap.berts (), 'user', '') $$, '42501', null, 'chat_messages: none for the other');
select throws_ok ($$ insert into public.learning_roadmaps (project_id, modules) values (tap.berts (), '[]') $$, '42501', null, 'learning_roadmaps: none at all');
select throws_ok ($$ insert into public.agent_jobs (id, user_id, agent_type) values (gen_random_uuid (), tap.anne (), 'code') $$, '42501', null, 'agent_jobs: none, not even one''s own');
select throws_ok ($$ insert into public.project_files (project_id, path, content) values (tap.berts (), 'src/a.ts', 'x')
                     on conflict (project_id, path) do update set content = excluded.content $$, '42501', null, 'project_files: no way round by a conflict');
select lives_ok ($$ insert into public.projects (user_id, title) values (tap.anne (), 'For Anne') $$, 'projects: one''s own is taken');
select lives_ok ($$ insert into public.project_files (project_id, path, content) values (tap.annes (), 'src/b.ts', '') $$, 'project_files: one''s own is taken');
select lives_ok ($$ insert into public.daily_sessions (project_id) values (tap.annes ()) $$, 'daily_sessions: one''s own is taken');
select lives_ok ($$ insert into public.chat_messages (project_id, role, content) values (tap.annes (), 'user', 'hello') $$, 'chat_messages: one''s own is taken');

-- delete
select is_empty ($$ delete from public.project_files where project_id = tap.berts () returning 1 $$, 'project_files: nothing of the other''s to delete');
select results_eq ($$ delete from public.project_files where path = 'src/a.ts' returning project_id $$, array [tap.annes ()], 'project_files: one''s own alone is deleted');
select throws_ok ($$ delete from public.projects $$, '42501', null, 'projects are archived, not deleted');
select throws_ok ($$ delete from public.chat_messages $$, '42501', null, 'what was said stays');
select throws_ok ($$ delete from public.daily_sessions $$, '42501', null, 'what was learned stays');
select throws_ok ($$ delete from public.agent_jobs $$, '42501', null, 'jobs stay');
select throws_ok ($$ truncate public.project_files $$, '42501', null, 'no policy would stop a truncate: the grant does');

-- a value moved over to the other
select throws_ok ($$ update public.projects set user_id = tap.bert () $$, '42501', null, 'a project cannot be given away');
select throws_ok ($$ update public.project_files set project_id = tap.berts () $$, '42501', null, 'a file cannot be moved into another''s project');

-- a token whose user has nothing; a token without a user
select tap.become (gen_random_uuid ());
select is ((select count (*) from public.projects) + (select count (*) from public.project_files) + (select count (*) from public.chat_messages)
           + (select count (*) from public.agent_jobs) + (select count (*) from public.profiles), 0::bigint, 'a stranger sees nothing');
select set_config ('request.jwt.claims', '', true);
select is ((select count (*) from public.projects) + (select count (*) from public.project_files) + (select count (*) from public.chat_messages)
           + (select count (*) from public.agent_jobs) + (select count (*) from public.profiles), 0::bigint, 'nobody sees nothing');
select set_config ('request.jwt.claims', '{"role": "service_role", "sub": "11111111-1111-4111-8111-111111111111"}', true);
select is ((select count (*)::int from public.agent_jobs), 1, 'a role within the claims gives no more rights');

-- and nothing of Bert's has changed
select tap.ourselves ();
select results_eq ($$ select title from public.projects where user_id = tap.bert () $$, array ['Bert builds'], 'Bert''s project is as it was');
select results_eq ($$ select path || ' ' || content || ' ' || version from public.project_files where project_id = tap.berts () $$, array ['src/a.ts Bert builds 1'], 'and his file');

select * from finish ();
rollback;
