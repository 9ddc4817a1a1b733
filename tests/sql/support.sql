-- What the tests of the database share, made once by an administrator: pgTAP and whom a test speaks as, out of our tables' way.

create schema tap;
create extension pgtap schema tap;
grant usage on schema tap to public;

-- role authenticated with the claims of a user, as our processes set them
create function tap.become (who uuid) returns void language sql as $$
    select set_config ('role', 'authenticated', true),
           set_config ('request.jwt.claims', json_build_object ('sub', who, 'role', 'authenticated')::text, true)
$$;

-- the role that logged in, without claims
create function tap.ourselves () returns void language sql as $$
    select set_config ('role', 'none', true), set_config ('request.jwt.claims', '', true)
$$;

create function tap.anne () returns uuid immutable language sql as $$ select '11111111-1111-4111-8111-111111111111'::uuid $$;
create function tap.bert () returns uuid immutable language sql as $$ select '22222222-2222-4222-8222-222222222222'::uuid $$;
create function tap.annes () returns uuid immutable language sql as $$ select 'aaaaaaaa-0000-4000-8000-000000000001'::uuid $$;
create function tap.berts () returns uuid immutable language sql as $$ select 'aaaaaaaa-0000-4000-8000-000000000002'::uuid $$;

-- one row of everything for each of the two
create function tap.fill () returns void language sql as $$
    insert into public.projects (id, user_id, title, mode) values
        (tap.annes (), tap.anne (), 'Anne builds', 'student'), (tap.berts (), tap.bert (), 'Bert builds', 'student');
    insert into public.project_files (project_id, path, content) select id, 'src/a.ts', title from public.projects;
    insert into public.learning_roadmaps (project_id, modules) select id, '[{"title": "One"}]' from public.projects;
    insert into public.daily_sessions (project_id, duration_minutes) select id, 10 from public.projects;
    insert into public.chat_messages (project_id, role, content) select id, 'assistant', title from public.projects;
    insert into public.agent_jobs (id, project_id, user_id, agent_type) select gen_random_uuid (), id, user_id, 'code' from public.projects;
    insert into public.profiles (id, username) select user_id, left (title, 4) from public.projects;
    insert into public.waitlist (email) values ('waits@example.org');
    insert into public.pattern_embeddings (pattern_type, content, embedding)
        values ('app', 'a secret pattern', (array [1.0] || array_fill (0::float8, '{1535}'))::vector);
    insert into codeforge.idempotency_keys (user_id, key, hash, claim) values (tap.anne (), 'k', 'h', gen_random_uuid ());
$$;
