/* SPDX-License-Identifier: MPL-2.0 */
/*  shown - jobs as they were last shown, ready to be sent, so that who looks at a job often costs no query and no printing
 *
 *  An entry is good for one version of its job (job.h); an ended job has but one, CF_SHOWN_ENDED. The latest asked for stay, within a number of
 *  entries and bytes; none stays for longer than its time, so that what is changed or deleted in the database by hand is seen.
 */
#ifndef CF_LEDGER_SHOWN_H
#define CF_LEDGER_SHOWN_H

#include "actors/ledger/job.h"
#include "actors/lib/link.h"

#define CF_SHOWN_MAX 16384              /* entries */
#define CF_SHOWN_BYTES (8u << 20)       /* of all of them together */
#define CF_SHOWN_JOB_BYTES (1u << 20)   /* a larger job is not kept */
#define CF_SHOWN_ENDED 0u               /* the version of what does not change any more */

typedef struct cf_shown_t cf_shown_t;

/*  Entries are good for most_ms. NULL when out of memory. */
cf_shown_t *cf_shown_new (uint64_t most_ms);
void cf_shown_destroy (cf_shown_t **self_p);

/*  A JOB_SHOWN of the job of that id, borrowed until the next call of this class; NULL where there is none of that user and version. An
    ended job that is only kept (below) is printed now. */
cf_body_t *cf_shown_lookup (cf_shown_t *self, const char *id, const char *user, uint64_t version);
/*  Prints the job and keeps it. The JOB_SHOWN, borrowed likewise; NULL when out of memory or too large to send. */
cf_body_t *cf_shown_print (cf_shown_t *self, const cf_job_t *job);
/*  Takes a job that has ended; it is printed if somebody asks. */
void cf_shown_keep (cf_shown_t *self, cf_job_t **job_p);
/*  Forgets one, and all. */
void cf_shown_forget (cf_shown_t *self, const char *id);
void cf_shown_clear (cf_shown_t *self);
size_t cf_shown_count (const cf_shown_t *self);

#endif
