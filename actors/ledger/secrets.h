/* SPDX-License-Identifier: MPL-2.0 */
/*  secrets - what a job must know and nobody may keep, e.g. the token of an export: in memory, never in a row
 *
 *  One comes before its job is made and is forgotten when the job ends, or when none was made in time.
 */
#ifndef CF_LEDGER_SECRETS_H
#define CF_LEDGER_SECRETS_H

#include "actors/ledger/desk.h"

#define CF_SECRETS_MAX 1000u            /* held at once */

typedef struct cf_secrets_t cf_secrets_t;

/*  unclaimed_ms: how long one is kept without its job. NULL when out of memory. */
cf_secrets_t *cf_secrets_new (cf_loop_t *loop, cf_desk_t *desk, uint64_t unclaimed_ms);
/*  Overwrites and forgets all. */
void cf_secrets_destroy (cf_secrets_t **self_p);
/*  Keeps a copy for the job of that user with that id, which need not be there yet; the same again replaces it. 0, or -1 with error: BUSY where
    too many are held, CONFLICT where it is another user's. */
int cf_secrets_put (cf_secrets_t *self, const char *job, const char *user, const char *secret, cf_error_t *error);
/*  Borrowed, valid until the loop turns; NULL where there is none. */
const char *cf_secrets_lookup (const cf_secrets_t *self, const char *job);
/*  How many are held. */
size_t cf_secrets_count (const cf_secrets_t *self);

#endif
