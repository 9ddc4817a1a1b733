/* SPDX-License-Identifier: MPL-2.0 */
/*  postgres - first start, restart, crash, and what is refused with which sentence */

#include "tests/support/cluster.h"

#include <sys/mount.h>

static void s_put (const char *folder, const char *name, const char *text)
{
    char path [600];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen (path, "w");
    ck_assert_ptr_nonnull (stream);
    fputs (text, stream);
    fclose (stream);
}

/*  prepare must fail; returns its error, valid until the next call. */
static const cf_error_t *s_refused (const char *home)
{
    static cf_postgres_plan_t plan;
    static cf_error_t error;
    error = (cf_error_t) { 0 };
    ck_assert_int_eq (cf_postgres_prepare (&plan, home, &error), -1);
    return &error;
}

START_TEST (starts_serves_and_stops)
{
    cluster_t cluster;
    cluster_start (&cluster);
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_postgres_bootstrap (&cluster.plan, &error), 0);

    cf_sql_t *sql = cluster_open (cluster.plan.url);
    ck_assert_str_eq (cluster_value (sql, "select rolname || rolsuper || rolbypassrls || rolcreaterole "
                                          "from pg_roles where rolname = current_user"), "codeforgefalsefalsetrue");
    ck_assert_str_eq (cluster_value (sql, "select ('[1,0]'::vector <=> '[0,1]')::text"), "1");
    ck_assert_str_eq (cluster_value (sql, "show listen_addresses"), "");
    ck_assert_str_eq (cluster_value (sql, "show synchronous_commit"), "on");
    ck_assert_str_eq (cluster_value (sql, "show server_encoding"), "UTF8");
    cluster_run (sql, "create table kept as select 7 as value");
    struct stat status;
    ck_assert_int_eq (stat (cluster.plan.cluster.sockets, &status), 0);
    ck_assert_uint_eq (status.st_mode & 07777, 0700);

    /* a client is connected: it must not delay the stop */
    ck_assert_int_eq (cluster_end (&cluster, cluster.plan.stop_signal), 0);
    cf_sql_destroy (&sql);

    cluster_prepare (&cluster);
    cluster_launch (&cluster);
    sql = cluster_open (cluster.plan.url);
    ck_assert_str_eq (cluster_value (sql, "select value::text from kept"), "7");
    cf_sql_destroy (&sql);
    cluster_remove (&cluster);
}
END_TEST

START_TEST (recovers_from_kill_9)
{
    cluster_t cluster;
    cluster_start (&cluster);
    cf_sql_t *sql = cluster_open (cluster.plan.url);
    cluster_run (sql, "create table kept as select generate_series (1, 1000) as value");
    cluster_end (&cluster, SIGKILL);
    cluster_launch (&cluster);
    cf_sql_destroy (&sql);
    sql = cluster_open (cluster.plan.url);
    ck_assert_str_eq (cluster_value (sql, "select sum (value)::text from kept"), "500500");
    cf_sql_destroy (&sql);
    cluster_remove (&cluster);
}
END_TEST

START_TEST (redoes_an_interrupted_first_start)
{
    cluster_t cluster;
    cluster_folder (&cluster);
    char half [128];
    snprintf (half, sizeof half, "%s/postgres.new", cluster.home);
    ck_assert_int_eq (mkdir (half, 0700), 0);
    s_put (half, "PG_VERSION", "15\n");
    cluster_prepare (&cluster);
    ck_assert_int_eq (access (half, F_OK), -1);
    cluster_launch (&cluster);
    cluster_remove (&cluster);
}
END_TEST

START_TEST (refuses_a_folder_in_use)
{
    cluster_t cluster;
    cluster_start (&cluster);
    const cf_error_t *error = s_refused (cluster.home);
    ck_assert_int_eq (error->code, CF_ERROR_CONFLICT);
    ck_assert_ptr_nonnull (strstr (error->text, "already running"));
    cluster_remove (&cluster);
}
END_TEST

START_TEST (waits_for_a_server_that_is_stopping)
{
    cluster_t cluster;
    cluster_start (&cluster);
    kill (cluster.pid, SIGINT);
    /* the child is not waited for: a zombie is as good as gone */
    cluster_prepare (&cluster);
    ck_assert_int_eq (cluster_end (&cluster, SIGINT), 0);
    cluster_launch (&cluster);
    cluster_remove (&cluster);
}
END_TEST

START_TEST (is_not_misled_by_a_recycled_process_number)
{
    cluster_t cluster;
    cluster_start (&cluster);
    cluster_end (&cluster, SIGKILL);
    pid_t other = fork ();
    if (other == 0)
        for (;;)
            pause ();
    char lock [64];
    snprintf (lock, sizeof lock, "%d\n/elsewhere\n", (int) other);
    s_put (cluster.plan.cluster.data, "postmaster.pid", lock);
    cluster_prepare (&cluster);
    cluster_launch (&cluster);
    kill (other, SIGKILL);
    waitpid (other, NULL, 0);
    cluster_remove (&cluster);
}
END_TEST

START_TEST (refuses_a_cluster_of_another_version)
{
    cluster_t cluster;
    cluster_folder (&cluster);
    char folder [128];
    snprintf (folder, sizeof folder, "%s/postgres", cluster.home);
    ck_assert_int_eq (mkdir (folder, 0700), 0);
    s_put (folder, "PG_VERSION", "9\n");
    ck_assert_ptr_nonnull (strstr (s_refused (cluster.home)->text, "was made by PostgreSQL 9"));
    cluster_remove (&cluster);
}
END_TEST

START_TEST (refuses_a_home_that_is_too_long_or_absent_or_has_a_comma)
{
    cluster_t cluster;
    cluster_folder (&cluster);
    char home [300];
    snprintf (home, sizeof home, "%s/a,b", cluster.home);
    ck_assert_int_eq (mkdir (home, 0700), 0);
    ck_assert_ptr_nonnull (strstr (s_refused (home)->text, "comma"));
    size_t size = (size_t) snprintf (home, sizeof home, "%s/", cluster.home);
    memset (home + size, 'x', 100);
    home [size + 100] = 0;
    ck_assert_ptr_nonnull (strstr (s_refused (home)->text, "cannot use the folder"));
    ck_assert_int_eq (mkdir (home, 0700), 0);
    ck_assert_ptr_nonnull (strstr (s_refused (home)->text, "too long"));
    cluster_remove (&cluster);
}
END_TEST

START_TEST (says_that_the_disk_is_full)
{
    cluster_t cluster;
    cluster_folder (&cluster);
    if (mount ("none", cluster.home, "tmpfs", 0, "size=20m") == 0) {    /* only root can */
        ck_assert_ptr_nonnull (strstr (s_refused (cluster.home)->text, "make room"));
        ck_assert_int_eq (umount (cluster.home), 0);
    }
    cluster_remove (&cluster);
}
END_TEST

START_TEST (never_shows_a_password)
{
    static const char *const urls [] = {
        "postgresql://app:hunter2@/x?host=/nowhere", "postgresql://app:hunter2@[::1/x", "host=/nowhere password=hunter2 'x",
        "postgresql://app:hunter2@/x?nonsense=1",
    };
    for (size_t at = 0; at < sizeof urls / sizeof urls [0]; at++) {
        cf_error_t error = { 0 };
        ck_assert_ptr_null (cf_sql_new (urls [at], &error));
        ck_assert_ptr_null (strstr (error.text, "hunter2"));
        ck_assert_int_ne (error.text [0], 0);
    }
}
END_TEST

UNIT_MAIN ("postgres", starts_serves_and_stops, recovers_from_kill_9, redoes_an_interrupted_first_start,
           refuses_a_folder_in_use, waits_for_a_server_that_is_stopping, is_not_misled_by_a_recycled_process_number,
           refuses_a_cluster_of_another_version, refuses_a_home_that_is_too_long_or_absent_or_has_a_comma,
           says_that_the_disk_is_full, never_shows_a_password)
