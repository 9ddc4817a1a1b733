/* SPDX-License-Identifier: MPL-2.0 */
/*  usage - what a user's jobs cost, by day and kind of agent */
#ifndef CF_LEDGER_USAGE_H
#define CF_LEDGER_USAGE_H

#include "actors/lib/db.h"
#include "proto/base/json.h"

#define CF_USAGE_DAYS 30                /* where the first day is not said */
#define CF_USAGE_DAY_SIZE 11            /* YYYY-MM-DD and the NUL */

typedef struct {
    char from [CF_USAGE_DAY_SIZE], to [CF_USAGE_DAY_SIZE];     /* first and last day, UTC */
} cf_usage_span_t;

/*  The days that are meant: to is today where it is "", from is the first of the CF_USAGE_DAYS days up to it. 0, or -1 with INVALID and
    *field the one at fault: not a day, or from after to. */
int cf_usage_span (const char *from, const char *to, cf_usage_span_t *span, const char **field, cf_error_t *error);
/*  The whole answer of the HTTP API, yours to free (); *found NULL where project ("" for all) is none of the user's. A job counts on
    the day it was created, with what it has cost until now. 0, or -1 with error. */
int cf_usage_read (cf_db_t *db, cf_task_t *task, const char *user, const char *project, const cf_usage_span_t *span, char **found,
                   cf_error_t *error);

/*  What the jobs of user that were created on that day (days since 1970, UTC) count against a budget, in millionths of a US dollar; but
    for those in except (a uuid array as text). Read in our own name. 0, or -1 with error. */
int cf_usage_spent (cf_db_t *db, cf_task_t *task, const char *user, uint64_t day, const char *except, uint64_t *spent, cf_error_t *error);

#endif
