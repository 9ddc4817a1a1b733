/* SPDX-License-Identifier: MPL-2.0 */
/*  sql - blocking PostgreSQL for the supervisor's start: nothing else runs yet, so waiting harms nobody
 *
 *  Actors never use this; theirs is actors/lib/db.h, which does not block. No text of an error holds a
 *  connection address, for it may carry a password.
 */
#ifndef CF_SUPERVISOR_SQL_H
#define CF_SUPERVISOR_SQL_H

#include "proto/base/error.h"

#include <stddef.h>

typedef struct cf_sql cf_sql_t;
typedef struct cf_sql_rows cf_sql_rows_t;

/*  Connects to a postgresql:// URL, within 10 s. NULL with INVALID (not an address) or DATABASE_DOWN. */
cf_sql_t *cf_sql_new (const char *url, cf_error_t *error);
/*  Closes; an open transaction is rolled back by the server. NULLs the pointer, safe twice. */
void cf_sql_destroy (cf_sql_t **self_p);

/*  Runs one statement, or several without parameters. 0, or -1 with DATABASE_REFUSED and the server's message,
    or DATABASE_DOWN where the connection broke. */
int cf_sql_run (cf_sql_t *self, const char *statement, cf_error_t *error);
/*  Where in the last refused statement the server saw the fault: a character, from 1; 0 where it did not say. */
size_t cf_sql_fault_at (const cf_sql_t *self);

/*  Runs one statement with $1 … from values (count of them, at most 16; NULL for null) and returns its rows, yours to
    destroy; NULL as cf_sql_run's -1. */
cf_sql_rows_t *cf_sql_ask (cf_sql_t *self, const char *statement, const char *const *values, size_t count,
                           cf_error_t *error);
size_t cf_sql_rows_count (const cf_sql_rows_t *self);
/*  Text of a value, borrowed from the rows; "" for null. Row and column from 0 and within what was returned. */
const char *cf_sql_rows_text (const cf_sql_rows_t *self, size_t row, size_t column);
void cf_sql_rows_destroy (cf_sql_rows_t **self_p);

#endif
