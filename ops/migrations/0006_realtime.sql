-- Supabase Realtime sends the web app what changes in these tables.

do $$
declare
    wanted text;
begin
    if not exists (select from pg_publication where pubname = 'supabase_realtime') then
        create publication supabase_realtime;
    end if;
    foreach wanted in array array ['projects', 'project_files', 'agent_jobs', 'chat_messages'] loop
        if not exists (select from pg_publication_tables
                       where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = wanted) then
            execute format ('alter publication supabase_realtime add table public.%I', wanted);
        end if;
    end loop;
end
$$;
