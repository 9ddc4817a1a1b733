/* SPDX-License-Identifier: MPL-2.0 */
/*  database - from the settings to a database that is there, bootstrapped and migrated, without ever waiting for it
 *
 *  With DATABASE_URL set that one is migrated. Without, a private PostgreSQL is prepared, which the supervisor then runs
 *  like any other process, with argv and stop signal from here.
 */
#ifndef CF_SUPERVISOR_DATABASE_H
#define CF_SUPERVISOR_DATABASE_H

#include "actors/lib/loop.h"
#include "ops/supervisor/logbook.h"
#include "proto/base/error.h"

#include <stdbool.h>

#define CF_DATABASE_START_MS 25000      /* how long the private server may take; within CF_PROCESS_START_MS */

typedef struct cf_database_t cf_database_t;
/*  Called from the loop when what was asked for is done; error->code is CF_OK where it went well. */
typedef void (cf_database_fn) (void *arg, const cf_error_t *error);

/*  For the database that the settings name. NULL: out of memory. */
cf_database_t *cf_database_new (cf_loop_t *loop, cf_logbook_t *book);
/*  Ends what is under way. */
void cf_database_destroy (cf_database_t **self_p);
bool cf_database_is_private (const cf_database_t *self);

/*  Each of these takes the place of the one before, whose fn is then not called. */
/*  Private only, first: makes the cluster where there is none, and argv. */
void cf_database_prepare (cf_database_t *self, cf_database_fn *fn, void *arg);
/*  Waits for the server, bootstraps where it is private, migrates. Then cf_database_url is what the actors need. */
void cf_database_open (cf_database_t *self, cf_database_fn *fn, void *arg);
/*  Private only: waits for a server that was started again. */
void cf_database_await (cf_database_t *self, cf_database_fn *fn, void *arg);
/*  Drops what is under way. */
void cf_database_cancel (cf_database_t *self);

/*  How to run the private server; borrowed, valid after prepare. */
char *const *cf_database_argv (const cf_database_t *self);
int cf_database_stop_signal (const cf_database_t *self);
const char *cf_database_url (const cf_database_t *self);

#endif
