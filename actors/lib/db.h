/* SPDX-License-Identifier: MPL-2.0 */
/*  db - PostgreSQL for tasks: a few connections in pipeline mode, shared by thousands of tasks
 *
 *  Queries that tasks make within one turn of the loop travel together and are committed together (one implicit transaction,
 *  at most 64 of them); a statement that the server refuses takes back the others of its group, which are then sent
 *  again one by one, so that it fails alone. A result is handed out when its transaction is committed, never before. So
 *  statements must not contain begin, commit or rollback, nor change settings of the session or transaction; what
 *  must do the latter is a unit. For whom a statement runs is said beside it: as ourselves, with all rights, or (…_as) as the
 *  user who asked, whom the server allows what its policies do. A statement that takes long holds the others of its group up. The connections come
 *  back by themselves after a loss.
 *
 *  Statements are prepared in the server at first use, so keep their texts constant and their values in parameters.
 */
#ifndef CF_LIB_DB_H
#define CF_LIB_DB_H

#include "actors/lib/task.h"

#include <stddef.h>

#define CF_DB_PATIENCE_MS 3000u         /* how long a query waits for a connection while there is none */
#define CF_DB_WAITING_MAX 20000u        /* queries that wait; beyond them: DATABASE_DOWN at once */

typedef struct cf_db_t cf_db_t;
typedef struct pg_result cf_db_result_t;        /* libpq's, opaque here */

typedef struct {
    const char *sql;
    size_t param_count;
    const char *const *params;          /* texts for $1 …; NULL: SQL null */
} cf_db_statement_t;

/*  Begins to connect to a postgresql:// URL and returns at once. NULL with INVALID (not an address) or INTERNAL. */
cf_db_t *cf_db_new (cf_loop_t *loop, const char *url, size_t connections, cf_error_t *error);
/*  No task may be in a query; batches go first. */
void cf_db_destroy (cf_db_t **self_p);
/*  Whether at least one connection is ready now. */
bool cf_db_is_up (const cf_db_t *self);
/*  Milliseconds a query waits for a connection while there is none; CF_DB_PATIENCE_MS at first. */
void cf_db_set_patience (cf_db_t *self, uint64_t patience_ms);

/*  Runs one statement. 0 with *result (yours to destroy; result may be NULL), or -1 with *result NULL and DATABASE_REFUSED
    (the server's SQLSTATE is kept, see cf_db_refused_with), DATABASE_DOWN (not connected, or the connection was lost
    before the outcome was known) or what the task was cancelled with (the statement may still take effect then).
    sql and params are borrowed until it returns. */
int cf_db_query (cf_task_t *task, cf_db_t *self, cf_db_result_t **result, cf_error_t *error, const char *sql,
                 size_t param_count, const char *const *params);
/*  The same with its parameters, all of them char pointers, as arguments:
    cf_db_ask (task, db, &result, error, "select … where id = $1 and user_id = $2", id, user) */
#define cf_db_ask(task_, db_, result_, error_, ...)                                                 \
    cf_db_query_list (task_, db_, result_, error_,                                                  \
                      sizeof (const char *[]) { __VA_ARGS__ } / sizeof (const char *), (const char *[]) { __VA_ARGS__ })
/*  What cf_db_ask becomes: texts [0] is the statement, the rest its parameters. */
int cf_db_query_list (cf_task_t *task, cf_db_t *self, cf_db_result_t **result, cf_error_t *error, size_t count,
                      const char *const *texts);
/*  As cf_db_query, in the name of a user: as role `authenticated` with the claims {sub: user, role}, so that row level security
    and the grants of that role decide what the statement may read and write. INVALID where user is not a uuid. */
int cf_db_query_as (cf_task_t *task, cf_db_t *self, const char *user, cf_db_result_t **result, cf_error_t *error, const char *sql,
                    size_t param_count, const char *const *params);
/*  Runs statements in order in one transaction of their own: all or none. results: count pointers to be filled with results,
    yours to destroy, or NULL. Returns as cf_db_query. */
int cf_db_unit (cf_task_t *task, cf_db_t *self, const cf_db_statement_t *statements, size_t count,
                cf_db_result_t **results, cf_error_t *error);
/*  Runs statements (at most 32) in order, all or none, each in the name of its user of users, or as ourselves where that is NULL.
    Others' statements may be in the transaction, before and after, never between. Otherwise as cf_db_unit. */
int cf_db_unit_as (cf_task_t *task, cf_db_t *self, const char *const *users, const cf_db_statement_t *statements, size_t count,
                   cf_db_result_t **results, cf_error_t *error);

size_t cf_db_rows (const cf_db_result_t *result);
size_t cf_db_columns (const cf_db_result_t *result);
/*  Text of a value, borrowed from the result; NULL for SQL null, and where there is no such row or column. */
const char *cf_db_value (const cf_db_result_t *result, size_t row, size_t column);
/*  Its length in bytes, 0 for NULL. */
size_t cf_db_value_size (const cf_db_result_t *result, size_t row, size_t column);
/*  Number of a column by its name, or -1. */
int cf_db_column (const cf_db_result_t *result, const char *name);
/*  Rows that an insert, update or delete changed. */
uint64_t cf_db_affected (const cf_db_result_t *result);
void cf_db_result_destroy (cf_db_result_t **result_p);

/*  Whether error is a DATABASE_REFUSED with that SQLSTATE, e.g. CF_DB_UNIQUE. */
bool cf_db_refused_with (const cf_error_t *error, const char *sqlstate);
#define CF_DB_UNIQUE "23505"
#define CF_DB_FOREIGN_KEY "23503"
#define CF_DB_CHECK "23514"

#endif
