/* SPDX-License-Identifier: MPL-2.0 */
/*  errand - work that blocks, done by a forked copy of the supervisor, so that the supervisor itself never waits
 *
 *  Used for the database: making the cluster, waiting for the server, migrations. What the copy finds out, it writes
 *  into an argument that both share.
 */
#ifndef CF_SUPERVISOR_ERRAND_H
#define CF_SUPERVISOR_ERRAND_H

#include "actors/lib/loop.h"
#include "ops/supervisor/logbook.h"
#include "proto/base/error.h"

/*  Runs in the copy; 0, or -1 with error. */
typedef int (cf_errand_fn) (void *shared, cf_error_t *error);
/*  Runs in the supervisor when it has ended; error.code is CF_OK where all went well. */
typedef void (cf_errand_done_fn) (void *arg, const cf_error_t *error);

typedef struct cf_errand_t cf_errand_t;

/*  Memory that supervisor and copies share, zeroed; NULL when there is none. Freed with cf_errand_unshare. */
void *cf_errand_share (size_t size);
void cf_errand_unshare (void *shared, size_t size);

/*  Starts fn (shared) in a copy and calls done (arg) when it has ended, however it did. Its words go to book as those of
    name. NULL with error. Frees itself after done. */
cf_errand_t *cf_errand_start (cf_loop_t *loop, cf_logbook_t *book, const char *name, cf_errand_fn *fn, void *shared,
                              cf_errand_done_fn *done, void *arg, cf_error_t *error);
/*  Kills the copy and what it started; done is not called. */
void cf_errand_cancel (cf_errand_t **self_p);

#endif
