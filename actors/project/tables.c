/* SPDX-License-Identifier: MPL-2.0 */
/*  tables - three connections that read, one that writes */

#include "actors/project/tables.h"
#include "proto/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CF_TABLES_READERS 3
#define CF_TABLES_PATIENCE_MS 2500      /* a request rather fails than hangs; agents ask again */

struct cf_tables_t {
    cf_db_t *reads, *writes;
};

cf_tables_t *
cf_tables_new (cf_loop_t *loop, const char *url, cf_error_t *error)
{
    cf_tables_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    if (!(self->reads = cf_db_new (loop, url, CF_TABLES_READERS, error)) || !(self->writes = cf_db_new (loop, url, 1, error))) {
        cf_tables_destroy (&self);
        return NULL;
    }
    cf_db_set_patience (self->reads, CF_TABLES_PATIENCE_MS);
    cf_db_set_patience (self->writes, CF_TABLES_PATIENCE_MS);
    return self;
}

void
cf_tables_destroy (cf_tables_t **self_p)
{
    cf_tables_t *self = *self_p;
    if (!self)
        return;
    cf_db_destroy (&self->reads);
    cf_db_destroy (&self->writes);
    free (self);
    *self_p = NULL;
}

/*  A value that a column cannot take is the asker's fault, not the server's; what the server said of it is not for them. */
static int
s_blame (cf_error_t *error)
{
    static const char *const states [] = {
        CF_DB_CHECK, "23502" /* not null */, "22P02" /* not of its type */, "22P05", "22021" /* not a character */,
        "22003" /* out of range */, "22023" /* not an object */
    };
    for (size_t at = 0; at < sizeof states / sizeof states [0]; at++)
        if (cf_db_refused_with (error, states [at])) {
            cf_log_info ("refused by the database: %s", error->text);
            return cf_error_set (error, CF_ERROR_INVALID, "The request holds a value that cannot be kept.");
        }
    return -1;
}

static int
s_ask (cf_task_t *task, cf_db_t *db, const char *user, cf_db_result_t **result, cf_error_t *error, const char *sql, size_t count,
       const char *const *params)
{
    cf_error_t local = { 0 };
    if (!error)
        error = &local;
    int rc = user? cf_db_query_as (task, db, user, result, error, sql, count, params):
                   cf_db_query (task, db, result, error, sql, count, params);
    return rc? s_blame (error): 0;
}

int
cf_tables_read (cf_tables_t *self, cf_task_t *task, const char *user, cf_db_result_t **result, cf_error_t *error,
                const char *sql, size_t count, const char *const *params)
{
    return s_ask (task, self->reads, user, result, error, sql, count, params);
}

int
cf_tables_write (cf_tables_t *self, cf_task_t *task, const char *user, cf_db_result_t **result, cf_error_t *error,
                 const char *sql, size_t count, const char *const *params)
{
    return s_ask (task, self->writes, user, result, error, sql, count, params);
}

int
cf_tables_write_unit (cf_tables_t *self, cf_task_t *task, const char *const *users, const cf_db_statement_t *statements,
                      size_t count, cf_db_result_t **results, cf_error_t *error)
{
    return cf_db_unit_as (task, self->writes, users, statements, count, results, error)? s_blame (error): 0;
}

const char *
cf_tables_number (cf_tables_number_t *number, uint64_t value)
{
    snprintf (number->text, sizeof number->text, "%" PRIu64, value);
    return number->text;
}

int
cf_tables_check_size (cf_db_result_t **result, const char *what, cf_error_t *error)
{
    if (!cf_db_rows (*result) || cf_db_value (*result, 0, 0))
        return 0;
    cf_db_result_destroy (result);
    return cf_error_set (error, CF_ERROR_INVALID, "%s are larger than %u MiB together.", what, CF_TABLES_ANSWER_BYTES >> 20);
}

int
cf_tables_prune (cf_tables_t *self, cf_task_t *task, const char *sql, uint64_t parameter, cf_error_t *error)
{
    cf_tables_number_t number;
    cf_db_result_t *result;
    if (CF_TABLES_WRITE (self, task, NULL, &result, error, sql, cf_tables_number (&number, parameter)))
        return -1;
    int deleted = (int) cf_db_affected (result);
    cf_db_result_destroy (&result);
    return deleted;
}
