/* SPDX-License-Identifier: MPL-2.0 */
/*  lease - who works on what: the agents' processes, the queues before them, the jobs they hold
 *
 *  A job is handed to the process of its service that holds the fewest, once the ledger has its attempt: no attempt has two holders,
 *  whatever dies. The process says "taken" and holds it until the job ends, waits, is cancelled, or the process is gone: then the job
 *  goes to the front of its queue with the next attempt.
 */
#ifndef CF_LEDGER_LEASE_H
#define CF_LEDGER_LEASE_H

#include "actors/ledger/desk.h"

typedef struct cf_lease_t cf_lease_t;

/*  NULL when out of memory. Subscribes to the membership of the bus. */
cf_lease_t *cf_lease_new (cf_loop_t *loop, cf_desk_t *desk, cf_ledger_t *ledger);
void cf_lease_destroy (cf_lease_t **self_p);
/*  The open jobs are on the desk: from now on processes claim what they hold. */
void cf_lease_open (cf_lease_t *self);
/*  Hands nothing out any more. */
void cf_lease_close (cf_lease_t *self);

/*  Queues a job in state QUEUED (nothing if it is queued already), and hands out what can be handed out. It may be a job whose acceptance
    is written and not committed: nobody hears of it before it is. */
void cf_lease_queue (cf_lease_t *self, cf_job_t *job, bool in_front);
/*  The job, which has moved, no longer needs its place in the queue or its holder; stop: its holder must drop it at once. */
void cf_lease_release (cf_lease_t *self, cf_job_t *job, bool stop);
/*  A process says that it works on job: true if it is (now) its holder. */
bool cf_lease_claim (cf_lease_t *self, const char *peer, cf_job_t *job, uint32_t attempt);
/*  A process has claimed all it holds. */
void cf_lease_claimed (cf_lease_t *self, const char *peer);
/*  Takes running jobs that nobody holds, or whose holder the bus no longer knows, back into the queue; hands out what waits. */
void cf_lease_sweep (cf_lease_t *self);

#endif
