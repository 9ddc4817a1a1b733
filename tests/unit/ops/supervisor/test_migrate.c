/* SPDX-License-Identifier: MPL-2.0 */
/*  migrate - once, in order, also when two do it; refusals; what the tables and their policies promise */

#include "ops/supervisor/migrate.h"
#include "tests/support/cluster.h"

#include <dirent.h>

#define S_MIGRATIONS CF_SOURCE_DIR "/ops/migrations"
#define S_ANNE "11111111-1111-4111-8111-111111111111"
#define S_BERT "22222222-2222-4222-8222-222222222222"
#define S_AS(user_) "begin; set local role authenticated; "                                     \
                    "select set_config ('request.jwt.claims', '{\"sub\": \"" user_ "\", \"role\": \"authenticated\"}', true); "

static cluster_t s_cluster;

static int s_shipped (void)
{
    int count = 0;
    DIR *folder = opendir (S_MIGRATIONS);
    for (struct dirent *entry; (entry = readdir (folder)) != NULL;)
        count += strstr (entry->d_name, ".sql") != NULL;
    closedir (folder);
    return count;
}

static void s_put (const char *folder, const char *name, const char *text)
{
    char path [300];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen (path, "w");
    ck_assert_ptr_nonnull (stream);
    fputs (text, stream);
    fclose (stream);
}

/*  An empty folder below the cluster's. */
static const char *s_folder (void)
{
    static char path [128];
    snprintf (path, sizeof path, "%s/m-XXXXXX", s_cluster.top);
    ck_assert_ptr_nonnull (mkdtemp (path));
    return path;
}

static void s_migrate (const char *url, const char *folder, int expected)
{
    cf_error_t error = { 0 };
    int applied = cf_migrate (url, folder, &error);
    ck_assert_msg (applied == expected, "%d: %s", applied, error.text);
}

/*  Must be refused; returns the sentence, valid until the next call. */
static const char *s_refused (const char *folder)
{
    static cf_error_t error;
    error = (cf_error_t) { 0 };
    ck_assert_int_eq (cf_migrate (s_cluster.plan.url, folder, &error), -1);
    return error.text;
}

START_TEST (applies_all_once)
{
    cluster_start (&s_cluster);
    s_migrate (s_cluster.plan.url, S_MIGRATIONS, s_shipped ());
    s_migrate (s_cluster.plan.url, S_MIGRATIONS, 0);
    cf_sql_t *sql = cluster_open (s_cluster.plan.url);
    ck_assert_str_eq (cluster_value (sql, "select string_agg (tablename, ' ' order by tablename) from pg_publication_tables "
                                          "where pubname = 'supabase_realtime'"),
                      "agent_jobs chat_messages project_files projects");
    ck_assert_str_eq (cluster_value (sql, "select count (*)::text from pg_class where relnamespace = 'public'::regnamespace "
                                          "and relkind = 'r' and not relrowsecurity"), "0");
    cf_sql_destroy (&sql);
    cluster_remove (&s_cluster);
}
END_TEST

START_TEST (two_at_once_take_turns)
{
    cluster_start (&s_cluster);
    pid_t others [3];
    for (int at = 0; at < 3; at++) {
        others [at] = fork ();
        if (others [at] == 0) {
            int applied = cf_migrate (s_cluster.plan.url, S_MIGRATIONS, NULL);
            _exit (applied < 0? 100: applied);
        }
    }
    int sum = 0;
    for (int at = 0; at < 3; at++) {
        int status = 0;
        waitpid (others [at], &status, 0);
        ck_assert_int_ne (WEXITSTATUS (status), 100);
        sum += WEXITSTATUS (status);
    }
    ck_assert_int_eq (sum, s_shipped ());
    cluster_remove (&s_cluster);
}
END_TEST

START_TEST (refuses_what_contradicts_the_database)
{
    cluster_start (&s_cluster);
    const char *folder = s_folder ();
    s_put (folder, "0001_one.sql", "create table one ();");
    s_put (folder, "0002_two.sql", "create table two ();");
    s_migrate (s_cluster.plan.url, folder, 2);

    s_put (folder, "0002_two.sql", "create table two (value integer);");
    ck_assert_ptr_nonnull (strstr (s_refused (folder), "0002_two.sql was changed"));
    s_put (folder, "0002_two.sql", "create table two ();");
    s_migrate (s_cluster.plan.url, folder, 0);

    char path [200], other [200];
    snprintf (path, sizeof path, "%s/0002_two.sql", folder);
    snprintf (other, sizeof other, "%s/0002_zwei.sql", folder);
    ck_assert_int_eq (rename (path, other), 0);
    ck_assert_ptr_nonnull (strstr (s_refused (folder), "has migration 0002_two"));
    ck_assert_int_eq (unlink (other), 0);
    ck_assert_ptr_nonnull (strstr (s_refused (folder), "newer"));

    s_put (folder, "0002_two.sql", "create table two ();");
    cf_sql_t *sql = cluster_open (s_cluster.plan.url);
    cluster_run (sql, "delete from codeforge.migrations where version = 1");
    cf_sql_destroy (&sql);
    ck_assert_ptr_nonnull (strstr (s_refused (folder), "lacks 0001_one"));
    cluster_remove (&s_cluster);
}
END_TEST

START_TEST (refuses_a_folder_that_is_not_in_order)
{
    cluster_folder (&s_cluster);
    snprintf (s_cluster.plan.url, sizeof s_cluster.plan.url, "postgresql:///x?host=%%2Fnowhere");
    const char *folder = s_folder ();
    ck_assert_ptr_nonnull (strstr (s_refused (folder), "holds 0 migrations"));
    s_put (folder, "0002_two.sql", "");
    ck_assert_ptr_nonnull (strstr (s_refused (folder), "0001 is missing"));
    s_put (folder, "0001_one.sql", "");
    s_put (folder, "0002_zwei.sql", "");
    ck_assert_ptr_nonnull (strstr (s_refused (folder), "there twice"));
    s_put (folder, "0000 note.sql", "");
    ck_assert_ptr_nonnull (strstr (s_refused (folder), "not named like a migration"));
    ck_assert_ptr_nonnull (strstr (s_refused ("/nowhere"), "cannot read the migrations in /nowhere"));
    ck_assert_ptr_nonnull (strstr (s_refused (S_MIGRATIONS), "/nowhere"));
    cluster_remove (&s_cluster);
}
END_TEST

START_TEST (a_refused_statement_names_its_line_and_leaves_nothing)
{
    cluster_start (&s_cluster);
    const char *folder = s_folder ();
    s_put (folder, "0001_one.sql",
           "-- a comment; with a semicolon and a quote '\n"
           "/* one /* nested; */ more; */\n"
           "create table one (text text default 'it''s; $$', other text default E'a\\';b');\n"
           "create function f () returns integer language sql as $body$\n"
           "    select 1; select $$;$$; select 2;\n"
           "$body$;\n"
           "create table \"odd;name\" ();\n"
           "insert into one (text)\n"
           "    values ('äöü'),\n"
           "           (nonsense)\n"
           ";\n");
    const char *text = s_refused (folder);
    ck_assert_msg (strstr (text, "migration 0001_one.sql, line 10: column \"nonsense\" does not exist") != NULL, "%s", text);
    cf_sql_t *sql = cluster_open (s_cluster.plan.url);
    ck_assert_str_eq (cluster_value (sql, "select coalesce (to_regclass ('one')::text, 'absent')"), "absent");

    s_put (folder, "0001_one.sql", "create table one (value integer primary key);\n\ninsert into one values (1);\n"
                                   "-- the server gives no place for this one\ninsert into one values (1)");
    text = s_refused (folder);
    ck_assert_msg (strstr (text, "0001_one.sql, line 5: duplicate key") != NULL, "%s", text);
    s_put (folder, "0001_one.sql", "create table one (); ; -- end");
    s_migrate (s_cluster.plan.url, folder, 1);
    cf_sql_destroy (&sql);
    cluster_remove (&s_cluster);
}
END_TEST

static void s_insert_work (cf_sql_t *sql)
{
    cluster_run (sql, "insert into projects (id, user_id, title) values "
                      "('aaaaaaaa-0000-4000-8000-000000000001', '" S_ANNE "', 'Anne builds'), "
                      "('aaaaaaaa-0000-4000-8000-000000000002', '" S_BERT "', 'Bert builds')");
    cluster_run (sql, "insert into project_files (project_id, path, content) select id, 'src/x.ts', title from projects");
    cluster_run (sql, "insert into chat_messages (project_id, role, content) select id, 'user', title from projects");
    cluster_run (sql, "insert into learning_roadmaps (project_id, modules) select id, '[]' from projects");
    cluster_run (sql, "insert into daily_sessions (project_id) select id from projects");
    cluster_run (sql, "insert into agent_jobs (id, project_id, user_id, agent_type) "
                      "select gen_random_uuid (), id, user_id, 'code' from projects");
    cluster_run (sql, "insert into profiles (id, username) select user_id, title from projects");
    cluster_run (sql, "insert into waitlist (email) values ('a@example.org')");
}

START_TEST (users_reach_what_is_theirs)
{
    static const char *const tables [] = {
        "projects", "project_files", "chat_messages", "learning_roadmaps", "daily_sessions", "agent_jobs", "profiles"
    };
    cluster_start (&s_cluster);
    s_migrate (s_cluster.plan.url, S_MIGRATIONS, s_shipped ());
    cf_sql_t *sql = cluster_open (s_cluster.plan.url);
    s_insert_work (sql);
    for (size_t at = 0; at < sizeof tables / sizeof tables [0]; at++) {
        char question [100];
        snprintf (question, sizeof question, "select count (*)::text from %s", tables [at]);
        ck_assert_str_eq (cluster_value (sql, question), "2");
        cluster_run (sql, S_AS (S_ANNE));
        ck_assert_str_eq (cluster_value (sql, question), "1");
        cluster_run (sql, "commit");
        /* the claims now read '' on this connection, not null: nobody, and no error */
        cluster_run (sql, "begin; set local role authenticated");
        ck_assert_str_eq (cluster_value (sql, question), "0");
        cluster_run (sql, "rollback");
    }
    cluster_run (sql, S_AS (S_ANNE));
    ck_assert_str_eq (cluster_value (sql, "select auth.uid () || ' ' || auth.role ()"), S_ANNE " authenticated");
    ck_assert_str_eq (cluster_value (sql, "with changed as (update projects set title = 'Mine' returning 1) "
                                          "select count (*)::text from changed"), "1");
    cluster_run (sql, "rollback");
    cf_sql_destroy (&sql);
    cluster_remove (&s_cluster);
}
END_TEST

START_TEST (users_cannot_do_what_is_not_theirs)
{
    static const char *const forbidden [] = {
        "insert into projects (user_id, title) values ('" S_BERT "', 'Not mine')",
        "update projects set user_id = '" S_BERT "'",
        "insert into project_files (project_id, path, content) values ('aaaaaaaa-0000-4000-8000-000000000002', 'src/y', '')",
        "insert into chat_messages (project_id, role, content) values ('aaaaaaaa-0000-4000-8000-000000000002', 'user', '')",
        "insert into agent_jobs (id, user_id, agent_type) values (gen_random_uuid (), '" S_ANNE "', 'code')",
        "update agent_jobs set status = 'completed'",
        "delete from agent_jobs",
        "truncate projects cascade",
        "delete from projects",
        "update projects set requirements_spec = '{}'",
        "insert into learning_roadmaps (project_id, modules) values ('aaaaaaaa-0000-4000-8000-000000000001', '[]')",
        "insert into chat_messages (project_id, role, content) values ('aaaaaaaa-0000-4000-8000-000000000001', 'assistant', '')",
        "select * from codeforge.idempotency_keys",
        "select * from waitlist",
        "insert into waitlist (email) values ('b@example.org')",
        "select * from codeforge.job_events",
        "insert into pattern_embeddings (pattern_type, content, embedding) values ('a', 'b', array_fill (1, '{1536}')::vector)",
    };
    cluster_start (&s_cluster);
    s_migrate (s_cluster.plan.url, S_MIGRATIONS, s_shipped ());
    cf_sql_t *sql = cluster_open (s_cluster.plan.url);
    s_insert_work (sql);
    for (size_t at = 0; at < sizeof forbidden / sizeof forbidden [0]; at++) {
        cluster_run (sql, S_AS (S_ANNE));
        const char *reason = cluster_refused (sql, forbidden [at]);
        ck_assert_msg (strstr (reason, "permission denied") || strstr (reason, "row-level security"), "%s: %s", forbidden [at], reason);
        cluster_run (sql, "rollback");
    }
    cf_sql_destroy (&sql);
    cluster_remove (&s_cluster);
}
END_TEST

START_TEST (keeps_lengths_and_kinds)
{
    static const char *const broken [] = {
        "insert into projects (user_id, title) values ('" S_ANNE "', 'ab')",
        "insert into projects (user_id, title, mode) values ('" S_ANNE "', 'abc', 'expert')",
        "insert into projects (user_id, title, tech_stack) values ('" S_ANNE "', 'abc', '{}')",
        "insert into profiles (id, username) values ('" S_ANNE "', 'a')",
        "insert into profiles (id, skill_level) values ('" S_ANNE "', 'wizard')",
        "insert into agent_jobs (id, user_id, agent_type) values (gen_random_uuid (), '" S_ANNE "', 'poet')",
        "insert into agent_jobs (id, user_id, agent_type, status) values (gen_random_uuid (), '" S_ANNE "', 'code', 'lost')",
        "insert into agent_jobs (id, user_id, agent_type, progress) values (gen_random_uuid (), '" S_ANNE "', 'code', 101)",
        "insert into agent_jobs (id, user_id, agent_type, idempotency_key) "
            "values (gen_random_uuid (), '" S_ANNE "', 'code', 'k'), (gen_random_uuid (), '" S_ANNE "', 'code', 'k')",
        "insert into waitlist (email) values ('A@example.org'), ('a@example.org')",
    };
    cluster_start (&s_cluster);
    s_migrate (s_cluster.plan.url, S_MIGRATIONS, s_shipped ());
    cf_sql_t *sql = cluster_open (s_cluster.plan.url);
    for (size_t at = 0; at < sizeof broken / sizeof broken [0]; at++) {
        const char *reason = cluster_refused (sql, broken [at]);
        ck_assert_msg (strstr (reason, "check constraint") || strstr (reason, "unique constraint"), "%s: %s", broken [at], reason);
    }
    cluster_run (sql, "insert into projects (user_id, title, updated_at) values ('" S_ANNE "', 'abc', '2001-01-01')");
    cluster_run (sql, "update projects set title = 'abcd'");
    ck_assert_str_eq (cluster_value (sql, "select (updated_at > '2002-01-01')::text from projects"), "true");
    cf_sql_destroy (&sql);
    cluster_remove (&s_cluster);
}
END_TEST

/* ---- patterns ---- */

/*  2,600 patterns in 26 clusters (cosine about 0.9 within), 2,057 of them common, 200 rare; the index is made at once and not row by
    row, which would take ten times as long. */
static void s_insert_patterns (cf_sql_t *sql)
{
    cluster_run (sql, "select setseed (0.5)");
    cluster_run (sql, "create table centre as select c, array_agg (random () - 0.5) as at "
                      "from generate_series (1, 26) c, generate_series (1, 1536) group by c");
    cluster_run (sql, "create function near (wanted integer, seed integer) returns vector volatile language sql as $$ "
                      "select array_agg (x + (random () - 0.5) / 3 + 0 * seed)::vector from centre, unnest (at) x where c = wanted $$");
    cluster_run (sql, "do $$ declare definition text := pg_get_indexdef ('pattern_embeddings_nearest'::regclass); begin "
                      "drop index pattern_embeddings_nearest; "
                      "insert into pattern_embeddings (pattern_type, content, embedding) "
                      "select case when n % 13 = 0 then 'rare' when n % 7 = 0 then 'other' else 'common' end, n::text, near (1 + n % 26, n) "
                      "from generate_series (1, 2600) n; "
                      "execute definition; end $$");
    cluster_run (sql, "create table asked as select n, near (n, n) as at from generate_series (1, 26) n");
}

/*  Share of the three nearest (of a type, or null) that match_patterns finds. */
static double s_recall (cf_sql_t *sql, const char *type)
{
    char question [600];
    snprintf (question, sizeof question,
              "select (count (*) / 78.0)::text from asked, lateral "
              "(select id from pattern_embeddings where pattern_type = coalesce (%s, pattern_type) order by (embedding <=> at) + 0 limit 3) e "
              "where id in (select id from match_patterns (at, 3, %s))", type, type);
    return strtod (cluster_value (sql, question), NULL);
}

/*  Searches of the index so far. */
static long s_searches (cf_sql_t *sql)
{
    cluster_run (sql, "select pg_stat_force_next_flush ()");
    return strtol (cluster_value (sql, "select idx_scan::text from pg_stat_user_indexes where indexrelname = 'pattern_embeddings_nearest'"), NULL, 10);
}

static void s_check_patterns (cf_sql_t *sql)
{
    s_insert_patterns (sql);
    ck_assert (s_recall (sql, "null") >= 0.95);
    long searches = s_searches (sql);
    ck_assert_int_ge (searches, 26);
    ck_assert (s_recall (sql, "'common'") >= 0.95);
    ck_assert_int_ge (s_searches (sql), searches + 26);
    searches = s_searches (sql);
    ck_assert (s_recall (sql, "'rare'") == 1);
    ck_assert_int_eq (s_searches (sql), searches);      /* few of a type: all are compared */
    ck_assert_str_eq (cluster_value (sql, "select count (*)::text from asked, match_patterns (at, 1000) where n = 1"), "100");
    ck_assert_str_eq (cluster_value (sql, "select count (*)::text from asked, match_patterns (at) where n = 1"), "5");
    ck_assert_str_eq (cluster_value (sql, "select count (*)::text from asked, match_patterns (at, 0) where n = 1"), "0");
    ck_assert_str_eq (cluster_value (sql, "select count (*)::text from asked, match_patterns (at, 3, 'absent') where n = 1"), "0");
    ck_assert_str_eq (cluster_value (sql, "select bool_and (similarity <= before)::text from (select similarity, lag (similarity) over () as before "
                                          "from asked, match_patterns (at, 50) where n = 1) s"), "true");
    ck_assert_str_eq (cluster_value (sql, "select content || ' ' || round (similarity::numeric, 6) from match_patterns ("
                                          "query_embedding => (select embedding from pattern_embeddings where content = '39'), match_count => 1, "
                                          "filter_type => 'rare')"), "39 1.000000");
}

START_TEST (finds_near_patterns)
{
    cluster_start (&s_cluster);
    s_migrate (s_cluster.plan.url, S_MIGRATIONS, s_shipped ());
    cf_sql_t *sql = cluster_open (s_cluster.plan.url);
    s_check_patterns (sql);
    cf_sql_destroy (&sql);
    cluster_remove (&s_cluster);
}
END_TEST

/*  pgvector 0.5 has neither half precision nor searches on, so what is of our own here must not need them. */
START_TEST (finds_near_patterns_with_an_old_pgvector)
{
    cluster_start (&s_cluster);
    cf_sql_t *sql = cluster_open (s_cluster.plan.grant_url);
    cluster_run (sql, "alter type halfvec rename to not_yet; update pg_extension set extversion = '0.5.1' where extname = 'vector'");
    cf_sql_destroy (&sql);
    s_migrate (s_cluster.plan.url, S_MIGRATIONS, s_shipped ());
    sql = cluster_open (s_cluster.plan.url);
    ck_assert_str_eq (cluster_value (sql, "select string_agg (setting, ' ' order by setting) from pg_proc, unnest (proconfig) setting "
                                          "where proname = 'match_patterns' and setting like 'hnsw%'"), "hnsw.ef_search=120");
    s_check_patterns (sql);
    cf_sql_destroy (&sql);
    cluster_remove (&s_cluster);
}
END_TEST

/*  The migrations before the index of now, then patterns, then the others. */
START_TEST (patterns_outlive_a_new_index)
{
    cluster_start (&s_cluster);
    const char *folder = s_folder ();
    struct dirent **entries;
    int count = scandir (S_MIGRATIONS, &entries, NULL, alphasort), before = 0;
    bool known = false;
    for (int at = 0; at < count; at++) {
        char from [600], to [600];
        snprintf (from, sizeof from, S_MIGRATIONS "/%s", entries [at]->d_name);
        snprintf (to, sizeof to, "%s/%s", folder, entries [at]->d_name);
        known = known || strstr (entries [at]->d_name, "_nearest.sql");
        if (!known && strstr (entries [at]->d_name, ".sql"))
            before += symlink (from, to) == 0;
        free (entries [at]);
    }
    free (entries);
    s_migrate (s_cluster.plan.url, folder, before);
    cf_sql_t *sql = cluster_open (s_cluster.plan.url);
    cluster_run (sql, "insert into pattern_embeddings (pattern_type, content, embedding) select 'builder', n::text, "
                      "(array [cosd (n), sind (n)] || array_fill (0::double precision, '{1534}'))::vector from generate_series (1, 50) n");
    s_migrate (s_cluster.plan.url, S_MIGRATIONS, s_shipped () - before);
    ck_assert_str_eq (cluster_value (sql, "select string_agg (content, ' ' order by similarity desc) from match_patterns ("
                                          "(array [1, 0] || array_fill (0, '{1534}'))::vector, 3)"), "1 2 3");
    ck_assert_int_eq (s_searches (sql), 1);
    cf_sql_destroy (&sql);
    cluster_remove (&s_cluster);
}
END_TEST

/*  A database as Supabase hands it over: its own auth schema, roles, publication, extension schema, and defaults that
    grant everything on new tables. */
START_TEST (applies_to_a_supabase_database)
{
    cluster_start (&s_cluster);
    cf_sql_t *admin = cluster_open (s_cluster.plan.admin_url);
    cluster_run (admin, "create role supabase_admin superuser");
    cluster_run (admin, "create role anon nologin noinherit; create role authenticated nologin noinherit; "
                        "create role service_role nologin noinherit bypassrls");
    cluster_run (admin, "create role platform login nosuperuser bypassrls createrole createdb");
    cluster_run (admin, "grant anon, authenticated, service_role to platform");
    cluster_run (admin, "create database platform owner supabase_admin");
    cluster_run (admin, "grant create on database platform to platform");
    cf_sql_destroy (&admin);

    char url [512];
    const char *query = strchr (s_cluster.plan.url, '?');
    snprintf (url, sizeof url, "postgresql://postgres@/platform%s", query);
    admin = cluster_open (url);
    cluster_run (admin, "create schema extensions; grant usage on schema extensions to public; "
                        "grant create on schema extensions, public to platform");
    cluster_run (admin, "create schema auth authorization supabase_admin; grant usage on schema auth to public");
    cluster_run (admin, "create function auth.uid () returns uuid language sql stable as $$ "
                        "select (nullif (current_setting ('request.jwt.claims', true), '')::json ->> 'sub')::uuid $$");
    cluster_run (admin, "create function auth.role () returns text language sql stable as $$ select 'theirs'::text $$");
    cluster_run (admin, "create publication supabase_realtime; alter publication supabase_realtime owner to platform");
    cluster_run (admin, "alter default privileges for role platform in schema public grant all on tables "
                        "to anon, authenticated, service_role");
    cluster_run (admin, "create extension vector with schema extensions");
    cf_sql_destroy (&admin);

    snprintf (url, sizeof url, "postgresql://platform@/platform%s", query);
    s_migrate (url, S_MIGRATIONS, s_shipped ());
    s_migrate (url, S_MIGRATIONS, 0);
    cf_sql_t *sql = cluster_open (url);
    ck_assert_str_eq (cluster_value (sql, "select auth.role ()"), "theirs");
    ck_assert_str_eq (cluster_value (sql, "select count (*)::text from pg_publication_tables "
                                          "where pubname = 'supabase_realtime'"), "4");
    ck_assert_str_eq (cluster_value (sql, "select count (*)::text from information_schema.role_table_grants "
                                          "where table_schema = 'public' and grantee = 'anon'"), "0");
    cluster_run (sql, "select codeforge.keep_pattern (gen_random_uuid (), 'builder', 'a clock', '{}', array_fill (1, '{1536}')::extensions.vector, 0.98, 10)");
    ck_assert_str_eq (cluster_value (sql, "select content from match_patterns (array_fill (2, '{1536}')::extensions.vector)"), "a clock");
    cluster_run (sql, "insert into agent_jobs (id, user_id, agent_type) values (gen_random_uuid (), '" S_ANNE "', 'code')");
    cluster_run (sql, S_AS (S_ANNE));
    ck_assert_str_eq (cluster_value (sql, "select count (*)::text from match_patterns (array_fill (2, '{1536}')::extensions.vector)"), "0");
    ck_assert_str_eq (cluster_value (sql, "select agent_type from agent_jobs"), "code");
    ck_assert_ptr_nonnull (strstr (cluster_refused (sql, "truncate agent_jobs"), "permission denied"));
    cluster_run (sql, "rollback");
    cluster_run (sql, S_AS (S_ANNE));
    cluster_run (sql, "insert into projects (user_id, title) values ('" S_ANNE "', 'Anne builds')");
    cluster_run (sql, "update projects set title = 'Anne built'");
    ck_assert_ptr_nonnull (strstr (cluster_refused (sql, "update projects set user_id = user_id"), "permission denied"));
    cluster_run (sql, "rollback");
    cluster_run (sql, S_AS (S_ANNE));
    ck_assert_ptr_nonnull (strstr (cluster_refused (sql, "select * from codeforge.file_writes"), "permission denied"));
    cluster_run (sql, "rollback");
    ck_assert_str_eq (cluster_value (sql, "select string_agg (privilege_type, ' ' order by privilege_type) from information_schema.role_table_grants "
                                          "where table_name = 'agent_jobs' and grantee = 'authenticated'"), "SELECT");
    cf_sql_destroy (&sql);
    cluster_remove (&s_cluster);
}
END_TEST

UNIT_MAIN ("migrate", applies_all_once, two_at_once_take_turns, refuses_what_contradicts_the_database,
           refuses_a_folder_that_is_not_in_order, a_refused_statement_names_its_line_and_leaves_nothing,
           users_reach_what_is_theirs, users_cannot_do_what_is_not_theirs, keeps_lengths_and_kinds, finds_near_patterns,
           finds_near_patterns_with_an_old_pgvector, patterns_outlive_a_new_index, applies_to_a_supabase_database)
