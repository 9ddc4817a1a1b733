-- Ways out of one's own rows that must be closed, as our processes log in.

begin;
select plan (21);
select tap.fill ();

select is ((select rolsuper or rolbypassrls or rolreplication from pg_roles where rolname = session_user), false, 'the login role is neither superuser nor above row level security');
select is ((select string_agg (r.rolname, ',') from pg_roles r where r.rolname <> session_user and (r.rolsuper or r.rolbypassrls)
            and pg_has_role (session_user, r.oid, 'member')), null, 'and can become nobody who is');
select is ((select string_agg (p.proname, ',') from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname in ('public', 'codeforge', 'auth') and p.prosecdef), null, 'no function runs with more rights than its caller''s');

-- the internal tables
select tap.become (tap.anne ());
select throws_ok ('select * from codeforge.' || t, '42501', null, 'codeforge.' || t || ' is not to be read')
from unnest (array ['job_steps', 'job_events', 'applied_effects', 'idempotency_keys', 'file_writes', 'migrations']) t;
select throws_ok ($$ select codeforge.touch () $$, '42501', null, 'nor its function to be called');
select throws_ok ($$ select * from public.waitlist $$, '42501', null, 'who waits is not to be read');
select throws_ok ($$ create table public.mine () $$, '42501', null, 'no table is made');
select throws_ok ($$ alter table public.projects disable row level security $$, '42501', null, 'row level security is not switched off');
select throws_ok ($$ create policy all_of_it on public.projects for select to authenticated using (true) $$, '42501', null, 'no policy is added');
select throws_ok ($$ set local row_security = off; select * from public.projects $$, '42501', null, 'what would not filter is refused');

-- patterns belong to no user
select is_empty ($$ select * from match_patterns ((array [1.0] || array_fill (0::float8, '{1535}'))::vector, 5) $$, 'match_patterns gives a user nothing');
select is_empty ($$ select * from public.pattern_embeddings $$, 'nor does its table');

-- a function of a user's own in a condition is not shown the other's rows
create function pg_temp.spy (seen text) returns boolean language plpgsql cost 0.0000001 as $$
begin
    if seen = 'Bert builds' then
        raise exception 'seen: %', seen;
    end if;
    return true;
end
$$;
select lives_ok ($$ select * from public.chat_messages where pg_temp.spy (content) $$, 'a condition is asked of one''s own rows alone');
select lives_ok ($$ select * from public.projects where pg_temp.spy (title) $$, 'however cheap it says it is');

-- back to ourselves
select throws_ok ($$ set local role service_role $$, '42501', null, 'a user does not become the service');
select tap.ourselves ();
select results_eq ($$ select count (*)::int from match_patterns ((array [1.0] || array_fill (0::float8, '{1535}'))::vector, 5) $$, array [1], 'memory finds its patterns');

select * from finish ();
rollback;
