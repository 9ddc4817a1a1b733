-- Which columns the web app's role may write, which policies there are, and what is out of reach.

begin;
select plan (64);

create temp table wanted (name text, privilege text, columns text []) on commit drop;
insert into wanted values
    ('profiles', 'INSERT', '{id,username,full_name,avatar_url,skill_level}'),
    ('profiles', 'UPDATE', '{username,full_name,avatar_url,skill_level}'),
    ('projects', 'INSERT', '{id,user_id,title,description,mode,tech_stack}'),
    ('projects', 'UPDATE', '{title,description,status}'),
    ('project_files', 'INSERT', '{id,project_id,path,content,language}'),
    ('project_files', 'UPDATE', '{content,language,version}'),
    ('learning_roadmaps', 'INSERT', '{}'),
    ('learning_roadmaps', 'UPDATE', '{modules,current_step_index}'),
    ('daily_sessions', 'INSERT', '{id,project_id,transcript,concepts_covered,duration_minutes}'),
    ('daily_sessions', 'UPDATE', '{}'),
    ('chat_messages', 'INSERT', '{id,project_id,role,content}'),
    ('chat_messages', 'UPDATE', '{}'),
    ('agent_jobs', 'INSERT', '{}'),
    ('agent_jobs', 'UPDATE', '{}'),
    ('pattern_embeddings', 'INSERT', '{}'),
    ('pattern_embeddings', 'UPDATE', '{}'),
    ('waitlist', 'INSERT', '{}'),
    ('waitlist', 'UPDATE', '{}');

select is ((select coalesce (array_agg (a.attname::text order by a.attname), '{}') from pg_attribute a
            where a.attrelid = ('public.' || name)::regclass and a.attnum > 0 and not a.attisdropped
              and has_column_privilege ('authenticated', a.attrelid, a.attnum, privilege)),
           (select coalesce (array_agg (c order by c), '{}') from unnest (columns) c),
           name || ': exactly these columns for ' || privilege)
from wanted;

select is (has_table_privilege ('authenticated', 'public.' || name, 'DELETE'), name = 'project_files', name || ': delete') from (select distinct name from wanted) t;
select is (has_table_privilege ('authenticated', 'public.' || name, 'TRUNCATE, REFERENCES, TRIGGER'), false, name || ': nothing beyond rows') from (select distinct name from wanted) t;
select is (has_table_privilege ('anon', 'public.' || name, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           or has_any_column_privilege ('anon', 'public.' || name, 'SELECT, INSERT, UPDATE, REFERENCES'), false, name || ': nothing for anon')
from (select distinct name from wanted) t;
select is (relrowsecurity, true, relname || ': row level security is on') from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by relname;

select policies_are ('public', 'agent_jobs', array ['read_own'], 'jobs are read, and nothing else');
select policy_cmd_is ('public', 'agent_jobs', 'read_own', 'select', 'that one is for reading');
select policies_are ('public', 'pattern_embeddings', array []::name [], 'patterns have no policy: nobody reads them');
select policies_are ('public', 'waitlist', array []::name [], 'nor the waitlist');
select is ((select string_agg (distinct r::text, ',') from pg_policies, unnest (roles) r where schemaname = 'public'), 'authenticated', 'every policy is for authenticated alone');
select is ((select count (*) from pg_policies where schemaname = 'public' and cmd in ('INSERT', 'UPDATE', 'ALL') and with_check is null), 0::bigint, 'every policy that writes checks what is written');

-- our own schema
select is (has_schema_privilege (r, 'codeforge', 'USAGE, CREATE'), false, 'schema codeforge is out of the reach of ' || r) from unnest (array ['anon', 'authenticated']) r;
select is ((select count (*) from pg_class c, unnest (array ['anon', 'authenticated']) r where c.relnamespace = 'codeforge'::regnamespace and c.relkind = 'r'
            and has_table_privilege (r, c.oid, 'SELECT, INSERT, UPDATE, DELETE')), 0::bigint, 'and so is each of its tables');
select is (has_schema_privilege ('authenticated', 'public', 'CREATE'), false, 'nobody adds tables or functions');

select * from finish ();
rollback;
