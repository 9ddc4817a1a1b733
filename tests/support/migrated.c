/* SPDX-License-Identifier: MPL-2.0 */
/*  migrated - blocking libpq: nothing else runs meanwhile */

#include "tests/support/migrated.h"
#include "proto/base/buf.h"
#include "tests/support/postgres.h"

#include <glob.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static void
s_die (const char *what, const char *why)
{
    fprintf (stderr, "test PostgreSQL: %s: %s\n", what, why);
    exit (EXIT_FAILURE);
}

static PGresult *
s_run (const char *statement)
{
    PGconn *connection = PQconnectdb (cf_test_postgres ());
    PQclear (PQexec (connection, "set client_min_messages = error"));
    PGresult *result = PQexec (connection, statement);
    ExecStatusType status = PQresultStatus (result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        s_die (statement, PQerrorMessage (connection));
    PQfinish (connection);
    return result;
}

const char *
cf_test_sql (const char *statement)
{
    static char texts [4] [8192];
    static unsigned turn;
    char *text = texts [turn++ % 4];
    PGresult *result = s_run (statement);
    snprintf (text, sizeof texts [0], "%s", PQntuples (result)? PQgetvalue (result, 0, 0): "");
    PQclear (result);
    return text;
}

static void
s_apply (const char *path)
{
    cf_buf_t text;
    cf_buf_init (&text, 1u << 20);
    FILE *file = fopen (path, "re");
    char chunk [4096];
    size_t size;
    cf_buf_puts (&text, "begin; ");
    while (file && (size = fread (chunk, 1, sizeof chunk, file)) > 0)
        cf_buf_append (&text, chunk, size);
    if (!file || cf_buf_puts (&text, "; commit"))
        s_die (path, "cannot be read");
    fclose (file);
    PQclear (s_run (text.bytes));
    cf_buf_free (&text);
}

const char *
cf_test_migrated (const char *folder)
{
    char pattern [512];
    glob_t found;
    PQclear (s_run ("create schema codeforge"));
    snprintf (pattern, sizeof pattern, "%s/*.sql", folder);
    if (glob (pattern, 0, NULL, &found))
        s_die (folder, "no migrations");
    for (size_t at = 0; at < found.gl_pathc; at++)
        s_apply (found.gl_pathv [at]);
    globfree (&found);
    return cf_test_postgres ();
}
