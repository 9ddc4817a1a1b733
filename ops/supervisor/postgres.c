/* SPDX-License-Identifier: MPL-2.0 */
/*  postgres - the private PostgreSQL: one cluster below CODEFORGE_HOME, reached through one Unix socket */

#include "ops/supervisor/postgres.h"
#include "ops/supervisor/cluster.h"
#include "ops/supervisor/sql.h"
#include "proto/base/buf.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int s_url (char url [512], const char *role, const char *database, const char *sockets, cf_error_t *error)
{
    cf_buf_t text;
    cf_buf_init (&text, 511);
    cf_buf_printf (&text, "postgresql://%s@/%s?host=", role, database);
    for (const unsigned char *byte = (const unsigned char *) sockets; *byte; byte++)
        if (isalnum (*byte) || strchr ("-._~", *byte))
            cf_buf_putc (&text, (char) *byte);
        else
            cf_buf_printf (&text, "%%%02X", *byte);
    cf_buf_puts (&text, "&port=5432");
    int rc = text.overflowed? cf_error_set (error, CF_ERROR_INVALID, "the path %s is too long", sockets): 0;
    if (rc == 0)
        memcpy (url, text.bytes, text.size + 1);
    cf_buf_free (&text);
    return rc;
}

/*  unix_socket_directories is a list: a name in it may hold blanks and quotes. */
static void s_socket_setting (cf_postgres_plan_t *plan)
{
    const char *folder = cf_cluster_sockets (&plan->cluster);
    size_t size = (size_t) snprintf (plan->setting, sizeof plan->setting, "unix_socket_directories=\"");
    for (; *folder && size < sizeof plan->setting - 3; folder++) {
        if (*folder == '"')
            plan->setting [size++] = '"';
        plan->setting [size++] = *folder;
    }
    plan->setting [size++] = '"';
    plan->setting [size] = 0;
}

static void s_fill_argv (cf_postgres_plan_t *plan)
{
    s_socket_setting (plan);
    snprintf (plan->program, sizeof plan->program, "%s/postgres", plan->cluster.binaries);
    size_t count = cf_cluster_argv (plan->argv, plan->program, plan->cluster.data, plan->cluster.sockets);
    plan->argv [count++] = (char *) "-c";
    plan->argv [count++] = plan->setting;
    plan->argv [count] = NULL;
    plan->stop_signal = SIGINT;
}

int cf_postgres_prepare (cf_postgres_plan_t *plan, const char *home, cf_error_t *error)
{
    *plan = (cf_postgres_plan_t) { 0 };
    const char *sockets = plan->cluster.sockets;
    if (cf_cluster_prepare (&plan->cluster, home, error)
     || s_url (plan->url, "codeforge", "codeforge", sockets, error)
     || s_url (plan->admin_url, CF_CLUSTER_USER, "postgres", sockets, error)
     || s_url (plan->grant_url, CF_CLUSTER_USER, "codeforge", sockets, error))
        return -1;
    s_fill_argv (plan);
    return 0;
}

int cf_postgres_ready (const cf_postgres_plan_t *plan, cf_error_t *error)
{
    cf_sql_t *sql = cf_sql_new (plan->admin_url, error);
    if (!sql)
        return -1;
    cf_sql_destroy (&sql);
    return 0;
}

/*  Runs statement unless the question has an answer. */
static int s_make_unless (cf_sql_t *sql, const char *question, const char *statement, cf_error_t *error)
{
    cf_sql_rows_t *rows = cf_sql_ask (sql, question, NULL, 0, error);
    if (!rows)
        return -1;
    size_t count = cf_sql_rows_count (rows);
    cf_sql_rows_destroy (&rows);
    return count? 0: cf_sql_run (sql, statement, error);
}

static int s_make_database (const cf_postgres_plan_t *plan, cf_error_t *error)
{
    cf_sql_t *sql = cf_sql_new (plan->admin_url, error);
    int rc = sql
          && !s_make_unless (sql, "select from pg_roles where rolname = 'codeforge'",
                             "create role codeforge login createrole nosuperuser nobypassrls", error)
          && !s_make_unless (sql, "select from pg_database where datname = 'codeforge'",
                             "create database codeforge owner codeforge", error)? 0: -1;
    cf_sql_destroy (&sql);
    return rc;
}

int cf_postgres_bootstrap (const cf_postgres_plan_t *plan, cf_error_t *error)
{
    if (s_make_database (plan, error))
        return -1;
    cf_sql_t *sql = cf_sql_new (plan->grant_url, error);
    if (!sql)
        return -1;
    int rc = -1;
    cf_sql_rows_t *rows = cf_sql_ask (sql, "select from pg_available_extensions where name = 'vector'", NULL, 0, error);
    if (rows && cf_sql_rows_count (rows) == 0)
        cf_error_set (error, CF_ERROR_INVALID, "pgvector is not installed for the PostgreSQL in %s: run ops/install", plan->cluster.binaries);
    else if (rows)
        rc = s_make_unless (sql, "select from pg_extension where extname = 'vector'", "create extension vector", error);
    cf_sql_rows_destroy (&rows);
    cf_sql_destroy (&sql);
    return rc;
}
