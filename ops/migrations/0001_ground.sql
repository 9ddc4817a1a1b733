-- What Supabase gives every database, made only where it is absent: the web app's roles, schema auth with
-- uid () and role (), and the vector type. On a Supabase database this changes nothing but the vector type.

set local search_path = public, extensions;

do $$
declare
    wanted text;
begin
    foreach wanted in array array ['anon', 'authenticated', 'service_role'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            begin
                execute format ('create role %I nologin noinherit', wanted);
            exception
                when insufficient_privilege then
                    raise exception 'role % is missing and % may not create it', wanted, current_user
                        using hint = format ('as an administrator of the database: create role %I nologin noinherit', wanted);
                when duplicate_object then
                    null;   -- roles belong to the whole server: another database's migration was faster
            end;
        end if;
    end loop;
end
$$;

-- requests run as `authenticated`: the login role must be able to become it
do $$
begin
    begin
        set local role authenticated;
    exception when insufficient_privilege then
        execute format ('grant authenticated to %I', session_user);
    end;
    set local role none;
end
$$;

do $$
begin
    if to_regnamespace ('auth') is null then
        create schema auth;
        grant usage on schema auth to anon, authenticated, service_role;
    end if;
    -- after a transaction that set them these settings read '' and not null on the same connection
    if to_regprocedure ('auth.uid()') is null then
        create function auth.uid () returns uuid language sql stable as $body$
            select coalesce (
                nullif (current_setting ('request.jwt.claim.sub', true), ''),
                nullif (current_setting ('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
        $body$;
    end if;
    if to_regprocedure ('auth.role()') is null then
        create function auth.role () returns text language sql stable as $body$
            select coalesce (
                nullif (current_setting ('request.jwt.claim.role', true), ''),
                nullif (current_setting ('request.jwt.claims', true), '')::jsonb ->> 'role')
        $body$;
    end if;
end
$$;

-- Supabase keeps extensions in a schema of their own
do $$
begin
    if not exists (select from pg_extension where extname = 'vector') then
        if to_regnamespace ('extensions') is not null then
            create extension vector with schema extensions;
        else
            create extension vector with schema public;
        end if;
    end if;
end
$$;
