/* SPDX-License-Identifier: MPL-2.0 */
/*  sql - blocking PostgreSQL for the supervisor's start */

#include "ops/supervisor/sql.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

struct cf_sql {
    PGconn *connection;
    size_t fault_at;            /* character in the last refused statement, 0: unknown */
};

struct cf_sql_rows {
    PGresult *result;
};

/*  Notices ("already exists, skipping") are for people at a prompt. */
static void s_ignore_notice (void *context, const PGresult *result)
{
    (void) context;
    (void) result;
}

static int s_text_size (const char *text)
{
    return (int) strcspn (text, "\r\n");
}

cf_sql_t *cf_sql_new (const char *url, cf_error_t *error)
{
    /* libpq quotes an address it cannot read, password included: find out before it may speak */
    PQconninfoOption *options = PQconninfoParse (url, NULL);
    if (!options) {
        cf_error_set (error, CF_ERROR_INVALID, "DATABASE_URL is not an address like postgresql://user:password@host/database");
        return NULL;
    }
    PQconninfoFree (options);
    cf_sql_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    /* the later wins: what the address says itself is kept */
    const char *const names [] = { "connect_timeout", "fallback_application_name", "dbname", NULL };
    const char *const values [] = { "10", "codeforge", url, NULL };
    self->connection = PQconnectdbParams (names, values, 1);
    if (PQstatus (self->connection) != CONNECTION_OK) {
        const char *text = PQerrorMessage (self->connection);
        cf_error_set (error, CF_ERROR_DATABASE_DOWN, "%.*s", s_text_size (text), text);
        cf_sql_destroy (&self);
        return NULL;
    }
    PQsetNoticeReceiver (self->connection, s_ignore_notice, NULL);
    return self;
}

void cf_sql_destroy (cf_sql_t **self_p)
{
    if (*self_p) {
        PQfinish ((*self_p)->connection);
        free (*self_p);
        *self_p = NULL;
    }
}

static const char *s_field (const PGresult *result, int code)
{
    const char *text = PQresultErrorField (result, code);
    return text? text: "";
}

/*  0 where result is a success; else notes what the server said. */
static int s_check (cf_sql_t *self, const PGresult *result, cf_error_t *error)
{
    self->fault_at = 0;
    ExecStatusType status = PQresultStatus (result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        return 0;
    if (PQstatus (self->connection) != CONNECTION_OK)
        return cf_error_set (error, CF_ERROR_DATABASE_DOWN, "the connection to the database broke");
    self->fault_at = (size_t) strtoul (s_field (result, PG_DIAG_STATEMENT_POSITION), NULL, 10);
    const char *detail = s_field (result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = s_field (result, PG_DIAG_MESSAGE_HINT);
    return cf_error_set (error, CF_ERROR_DATABASE_REFUSED, "%s%s%.*s%s%.*s",
                         s_field (result, PG_DIAG_MESSAGE_PRIMARY),
                         *detail? "; ": "", s_text_size (detail), detail,
                         *hint? "; ": "", s_text_size (hint), hint);
}

int cf_sql_run (cf_sql_t *self, const char *statement, cf_error_t *error)
{
    PGresult *result = PQexec (self->connection, statement);
    int rc = s_check (self, result, error);
    PQclear (result);
    return rc;
}

size_t cf_sql_fault_at (const cf_sql_t *self)
{
    return self->fault_at;
}

cf_sql_rows_t *cf_sql_ask (cf_sql_t *self, const char *statement, const char *const *values, size_t count,
                           cf_error_t *error)
{
    assert (count <= 16);
    PGresult *result = PQexecParams (self->connection, statement, (int) count, NULL, values, NULL, NULL, 0);
    cf_sql_rows_t *rows = NULL;
    if (s_check (self, result, error) == 0) {
        rows = malloc (sizeof *rows);
        if (rows) {
            rows->result = result;
            return rows;
        }
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    }
    PQclear (result);
    return NULL;
}

size_t cf_sql_rows_count (const cf_sql_rows_t *self)
{
    return (size_t) PQntuples (self->result);
}

const char *cf_sql_rows_text (const cf_sql_rows_t *self, size_t row, size_t column)
{
    assert (row < cf_sql_rows_count (self) && column < (size_t) PQnfields (self->result));
    return PQgetvalue (self->result, (int) row, (int) column);
}

void cf_sql_rows_destroy (cf_sql_rows_t **self_p)
{
    if (*self_p) {
        PQclear ((*self_p)->result);
        free (*self_p);
        *self_p = NULL;
    }
}
