/* SPDX-License-Identifier: MPL-2.0 */
/*  lease - processes come and go by the broker's word (state.peer.*); a job is with exactly one of: queue, holder, nobody yet
 *
 *  "Nobody yet" is a running job just read from the ledger: its holder may still be at work and will say so. It is taken back into
 *  the queue when all processes of its service have claimed theirs, or after CF_LEASE_CLAIM_MS.
 *
 *  The broker's word may be lost (with the broker, or where our pipe was full). So who does not join a new broker in time is gone,
 *  and with every sweep the broker is asked who there is: who is missing twice, in answers that name ourselves, is gone.
 *
 *  A process dies with all the jobs that it holds, and one of them may be why. Those that were there at two deaths are suspects. From
 *  then on a death is a suspect's fault: where several died, half as many are tried together in one process, until one is left
 *  that dies alone. Who is no suspect is not blamed for dying beside one.
 */

#include "actors/ledger/lease.h"
#include "actors/ledger/queue.h"
#include "actors/lib/call.h"
#include "actors/lib/event.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define CF_LEASE_CLAIM_MS 3000          /* after our start, or a broker's: time for processes to claim what they hold */
#define CF_LEASE_REJOIN_MS 3000         /* after a broker's start: time for processes to join again */
#define CF_LEASE_AGAIN_MS 200           /* before a job that was not taken is handed out again */
#define CF_LEASE_MISSING 2              /* answers of the broker without a process: it is gone */
#define CF_LEASE_TAKE_MS 10000          /* an agent that has not said "taken" by then has not */
#define CF_LEASE_DEATHS 3               /* so many processes lost over one job: it is the job */
#define CF_LEASE_SUSPECT (CF_LEASE_DEATHS - 1u) /* with so many it is a suspect */
#define CF_LEASE_KINDS 16
#define CF_LEASE_STOP_PRIORITY 9        /* of JOB_STOP: the highest */

struct cf_job_peer_t {
    UT_hash_handle hh;
    char name [CF_ENVELOPE_NAME_SIZE];
    char service [CF_ENVELOPE_NAME_SIZE];
    bool leaving;                       /* said BYE: its end is no death */
    bool claimed;                       /* has told what it holds */
    uint64_t epoch;                     /* broker that last knew it */
    uint64_t round;                     /* last answer of the broker that named it */
    int missing;                        /* answers since then that did not */
    size_t held, suspects;              /* jobs, and how many of them are suspects */
    cf_job_t *jobs;
};

struct cf_lease_t {
    cf_loop_t *loop;
    cf_desk_t *desk;
    cf_ledger_t *ledger;
    cf_queue_t *queues [CF_LEASE_KINDS], *suspects [CF_LEASE_KINDS];
    size_t trial;                       /* suspects that one process may hold; 0: any number */
    cf_job_peer_t *peers;
    cf_subscription_t *membership;
    bool opened, closed;
    uint64_t claims_ms;                 /* since when processes can claim */
    uint64_t asked_ms;                  /* when the broker was last asked who there is; 0: there was none yet */
    uint64_t round;                     /* times it was asked */
    bool answered;                      /* it has named ourselves since */
    cf_timer_t sweep;                   /* once the time to claim and to join again is over */
    cf_timer_t again;
};

/* ---- holding ---- */

/*  Its deaths change only while it is with nobody and in no queue. */
static bool
s_is_suspect (const cf_job_t *job)
{
    return job->deaths >= CF_LEASE_SUSPECT;
}

static void
s_push (cf_lease_t *self, cf_job_t *job, bool in_front)
{
    size_t kind = cf_job_kind_index (job->kind);
    if (cf_queue_push (s_is_suspect (job)? self->suspects [kind]: self->queues [kind], job, in_front))
        abort ();
}

static void
s_hold (cf_job_peer_t *peer, cf_job_t *job)
{
    job->holder = peer;
    peer->held++;
    peer->suspects += s_is_suspect (job);
    DL_APPEND (peer->jobs, job);
}

static void
s_let_go (cf_job_t *job)
{
    cf_job_peer_t *peer = job->holder;
    if (!peer)
        return;
    DL_DELETE (peer->jobs, job);
    job->prev = job->next = NULL;
    job->holder = NULL;
    peer->held--;
    peer->suspects -= s_is_suspect (job);
}

/*  The least busy process of a service that takes more, or another suspect; NULL if there is none. */
static cf_job_peer_t *
s_choose_peer (cf_lease_t *self, const char *service, bool suspect)
{
    uint64_t most = cf_config_u64 (CF_CONFIG_AGENT_JOBS_MAX);
    cf_job_peer_t *best = NULL;
    for (cf_job_peer_t *peer = self->peers; peer; peer = peer->hh.next)
        if (!peer->leaving && strcmp (peer->service, service) == 0 && peer->held < most && (!best || peer->held < best->held)
            && !(suspect && self->trial && peer->suspects >= self->trial))
            best = peer;
    return best;
}

/* ---- handing out ---- */

typedef struct {
    cf_lease_t *lease;
    char job [CF_UUID_SIZE];
    char peer [CF_ENVELOPE_NAME_SIZE];
    uint32_t attempt;
    cf_batch_ticket_t ticket;           /* of the lease's row */
} errand_t;

static void
s_stop_remote (cf_task_t *task, void *arg)
{
    errand_t *errand = arg;
    cf_job_stop_t stop = { .job = errand->job, .attempt = errand->attempt };
    cf_job_taken_t *done = cf_call_once (task, errand->peer, CF_JOB_STOP, &stop, CF_LEASE_TAKE_MS, NULL);
    cf_codec_free (&done);      /* a process that is gone has dropped it, too */
    free (errand);
}

/*  Tells a process to drop that attempt. If it does not hear it, its next write is refused. */
static void
s_stop_holder (cf_lease_t *self, const char *peer, const char *job, uint32_t attempt)
{
    errand_t *errand = calloc (1, sizeof *errand);
    if (!errand)
        return;
    errand->attempt = attempt;
    snprintf (errand->job, sizeof errand->job, "%s", job);
    snprintf (errand->peer, sizeof errand->peer, "%s", peer);
    cf_task_context_t context = { .priority = CF_LEASE_STOP_PRIORITY };
    if (!cf_task_start (self->loop, s_stop_remote, errand, &context))
        free (errand);
}

/*  The job of an errand, as long as it is still the errand's. One that the ledger did not accept is nobody's. */
static cf_job_t *
s_errand_job (const errand_t *errand)
{
    cf_job_t *job = cf_desk_lookup (errand->lease->desk, errand->job, NULL);
    bool same = job && job->accepted && job->state == CF_JOB_RUNNING && job->attempt == errand->attempt && job->holder
                && strcmp (job->holder->name, errand->peer) == 0;
    return same? job: NULL;
}

/*  What was finished before, as JSON text of the caller's; a first attempt of a job without steps has nothing to read. What a former
    holder finished is in it, or its attempt is refused from now on. */
static char *
s_journal (cf_task_t *task, const errand_t *errand, cf_error_t *error)
{
    cf_json_t *journal = NULL;
    if (cf_batch_commit (task, cf_ledger_batch (errand->lease->ledger), errand->ticket, error))
        return NULL;
    while (!journal) {
        const cf_job_t *job = s_errand_job (errand);
        if (job && !job->steps)
            return strdup ("[]");
        if (!job || cf_desk_await_steps (errand->lease->desk, task, errand->job, error))
            return NULL;
        if (cf_ledger_read_journal (errand->lease->ledger, task, errand->job, &journal, error)
            && (error->code != CF_ERROR_DATABASE_DOWN || cf_task_sleep (task, CF_LEASE_AGAIN_MS, error)))
            return NULL;
    }
    char *text = cf_json_print (journal);
    json_decref (journal);
    return text;
}

static void s_on_again (void *arg);

/*  Whether another process may take what one did not. */
static bool
s_passes (cf_error_code_t code)
{
    return cf_error_retryable (code) || code == CF_ERROR_TIMEOUT || code == CF_ERROR_BUSY;
}

/*  Back into the queue with the next attempt, to be handed out a little later: whoever is gone will have been forgotten by then. What
    can be handed to nobody (too large a message, a row that the database refuses) ends so. */
static void
s_on_not_taken (cf_task_t *task, const errand_t *errand, const cf_error_t *error)
{
    cf_lease_t *self = errand->lease;
    cf_job_t *job = s_errand_job (errand);
    if (!job || cf_task_wait_status (task, NULL))       /* we are ending: the next instance finds it */
        return;
    cf_log_warning ("job %s was not taken by %s: %s", errand->job, errand->peer, error->text);
    bool again = s_passes (error->code);
    cf_job_failure_t failure = cf_job_failure (error->code);
    if (!cf_desk_move (self->desk, job, again? CF_JOB_ON_DEATH: CF_JOB_ON_FAILURE, NULL, again? NULL: &failure))
        return;                 /* too much waits for the database: its time ends it */
    s_stop_holder (self, errand->peer, errand->job, errand->attempt);
    s_let_go (job);
    if (again)
        s_push (self, job, true);
    cf_timer_set (self->loop, &self->again, CF_LEASE_AGAIN_MS, s_on_again, self);
}

static void
s_hand_out (cf_task_t *task, void *arg)
{
    errand_t *errand = arg;
    cf_error_t error = { 0 };
    cf_job_taken_t *taken = NULL;
    char *journal = s_journal (task, errand, &error);
    cf_job_t *job = journal? s_errand_job (errand): NULL;       /* it may have ended meanwhile */
    if (job) {
        uint64_t limit_ms = cf_job_limit_ms (job->kind);
        cf_job_run_t run = {
            .job = job->id, .attempt = job->attempt, .project = job->project, .user = job->user, .agent = job->kind->type,
            .input = job->input, .journal = journal, .time_ms = job->spent_ms < limit_ms? limit_ms - job->spent_ms: 1
        };
        taken = cf_call_once (task, errand->peer, CF_JOB_RUN, &run, CF_LEASE_TAKE_MS, &error);
    }
    if (!taken)
        s_on_not_taken (task, errand, &error);
    cf_codec_free (&taken);
    free (journal);
    free (errand);
}

/*  False where too much waits for the database: the job is in its place again. */
static bool
s_lease (cf_lease_t *self, cf_job_t *job, cf_job_peer_t *peer)
{
    errand_t *errand = calloc (1, sizeof *errand);
    cf_batch_ticket_t ticket = errand? cf_desk_move (self->desk, job, CF_JOB_ON_LEASE, NULL, NULL): 0;
    if (!ticket) {
        free (errand);
        s_push (self, job, true);
        return false;
    }
    s_hold (peer, job);
    errand->lease = self;
    errand->ticket = ticket;
    errand->attempt = job->attempt;
    memcpy (errand->job, job->id, sizeof errand->job);
    memcpy (errand->peer, peer->name, sizeof errand->peer);
    cf_task_context_t context = { .priority = job->priority, .attempt = job->attempt };
    memcpy (context.job, job->id, sizeof context.job);
    memcpy (context.user, job->user, sizeof context.user);
    memcpy (context.trace, job->trace, sizeof context.trace);
    if (!cf_task_start (self->loop, s_hand_out, errand, &context))
        abort ();               /* no memory for a task: better gone, the ledger has it */
    return true;
}

static void
s_empty (cf_lease_t *self, cf_queue_t *queue, const char *service, bool suspects)
{
    cf_job_peer_t *peer;
    while (cf_queue_size (queue) && (peer = s_choose_peer (self, service, suspects)))
        if (!s_lease (self, cf_queue_pop (queue), peer))
            return;
}

static void
s_dispatch (cf_lease_t *self, const cf_job_kind_t *kind)
{
    size_t at = cf_job_kind_index (kind);
    if (self->closed || !cf_ledger_is_up (self->ledger))         /* no journal, no work: its time would only run out */
        return;
    s_empty (self, self->suspects [at], kind->service, true);
    s_empty (self, self->queues [at], kind->service, false);
}

static void
s_dispatch_all (cf_lease_t *self)
{
    const cf_job_kind_t *kind;
    for (size_t at = 0; (kind = cf_job_kind_at (at)); at++)
        s_dispatch (self, kind);
}

static void
s_on_again (void *arg)
{
    s_dispatch_all (arg);
}

void
cf_lease_queue (cf_lease_t *self, cf_job_t *job, bool in_front)
{
    if (job->queued || job->state != CF_JOB_QUEUED)
        return;
    s_push (self, job, in_front);
    s_dispatch (self, job->kind);
}

/* ---- letting go ---- */

void
cf_lease_release (cf_lease_t *self, cf_job_t *job, bool stop)
{
    cf_job_peer_t *peer = job->holder;
    size_t kind = cf_job_kind_index (job->kind);
    if (job->queued)
        cf_queue_remove (s_is_suspect (job)? self->suspects [kind]: self->queues [kind], job);
    if (peer && s_is_suspect (job) && self->trial <= SIZE_MAX / 2)
        self->trial *= 2;       /* it came to an end that was no death: the others may be as innocent */
    if (peer && stop)
        s_stop_holder (self, peer->name, job->id, job->attempt);
    s_let_go (job);
    if (peer)
        s_dispatch (self, job->kind);
}

/*  The process that worked on job is gone; where too much waits for the database, the sweep comes back to it. */
static void
s_take_back (cf_lease_t *self, cf_job_t *job, bool died)
{
    s_let_go (job);
    job->deaths += died;
    if (job->deaths >= CF_LEASE_DEATHS) {
        cf_job_failure_t failure = cf_job_failure (CF_ERROR_POISONED);
        if (cf_desk_move (self->desk, job, CF_JOB_ON_FAILURE, NULL, &failure)) {
            cf_log_error ("job %s: %d processes were lost over it", job->id, CF_LEASE_DEATHS);
            self->trial = 0;
        }
        else
            job->deaths -= died;
    }
    else if (cf_desk_move (self->desk, job, CF_JOB_ON_DEATH, NULL, NULL)) {
        cf_log_info ("job %s: its process is gone; attempt %u", job->id, job->attempt);
        s_push (self, job, true);
    }
    else
        job->deaths -= died;
}

static void
s_take_back_all (cf_lease_t *self, cf_job_peer_t *peer, bool died)
{
    size_t suspects = peer->suspects;
    if (died && suspects > 1)
        self->trial = suspects / 2;
    while (peer->jobs)
        s_take_back (self, peer->jobs, died && (suspects == 0 || (suspects == 1 && s_is_suspect (peer->jobs))));
}

static void
s_dispatch_service (cf_lease_t *self, const char *service)
{
    const cf_job_kind_t *kind;
    for (size_t at = 0; (kind = cf_job_kind_at (at)); at++)
        if (strcmp (kind->service, service) == 0)
            s_dispatch (self, kind);
}

static void
s_forget_peer (cf_lease_t *self, cf_job_peer_t *peer)
{
    char service [CF_ENVELOPE_NAME_SIZE];
    memcpy (service, peer->service, sizeof service);
    HASH_DEL (self->peers, peer);
    s_take_back_all (self, peer, !peer->leaving);
    free (peer);
    s_dispatch_service (self, service);
}

/* ---- membership ---- */

static bool
s_is_service (const char *service)
{
    const cf_job_kind_t *kind;
    for (size_t at = 0; (kind = cf_job_kind_at (at)); at++)
        if (strcmp (kind->service, service) == 0)
            return true;
    return false;
}

static cf_job_peer_t *
s_peer (cf_lease_t *self, const char *name, bool make)
{
    cf_job_peer_t *peer;
    HASH_FIND_STR (self->peers, name, peer);
    if (!peer && make && (peer = calloc (1, sizeof *peer))) {
        snprintf (peer->name, sizeof peer->name, "%s", name);
        cf_envelope_service (name, peer->service);
        HASH_ADD_STR (self->peers, name, peer);
    }
    return peer;
}

static void
s_on_membership (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) fields;
    cf_lease_t *self = arg;
    const char *name = envelope->to + strlen ("state.peer.");
    char service [CF_ENVELOPE_NAME_SIZE];
    cf_envelope_service (name, service);
    if (strcmp (name, cf_link_name (cf_link_here ())) == 0)
        self->answered = true;
    cf_job_peer_t *peer = s_is_service (service)? s_peer (self, name, envelope->number != 0): NULL;
    if (!peer)
        return;
    peer->epoch = cf_link_epoch (cf_link_here ());
    peer->round = self->round;
    peer->leaving = envelope->number == 2;
    if (envelope->number == 0)
        s_forget_peer (self, peer);
    else {
        if (peer->leaving)      /* with that it has dropped what it held */
            s_take_back_all (self, peer, false);
        s_dispatch_service (self, service);
    }
}

static void s_on_sweep (void *arg);

static void
s_on_joined (void *arg)
{
    cf_lease_t *self = arg;
    self->asked_ms = self->claims_ms = cf_clock_ms ();         /* the subscription has been renewed */
    self->round++;
    self->answered = false;
    cf_timer_set (self->loop, &self->sweep, CF_LEASE_REJOIN_MS + 1, s_on_sweep, self);
}

/*  Forgets processes that the broker does not know, and asks it who there is. */
static void
s_reconcile (cf_lease_t *self)
{
    uint64_t epoch = cf_link_epoch (cf_link_here ());
    cf_job_peer_t *peer, *next;
    if (!self->asked_ms || cf_clock_ms () <= self->asked_ms + CF_LEASE_REJOIN_MS)
        return;
    HASH_ITER (hh, self->peers, peer, next) {
        if (self->answered)
            peer->missing = peer->round == self->round? 0: peer->missing + 1;
        if (peer->epoch != epoch || peer->missing >= CF_LEASE_MISSING) {
            cf_log_warning ("%s is not known to the broker", peer->name);
            s_forget_peer (self, peer);
        }
    }
    self->asked_ms = cf_clock_ms ();
    self->round++;
    self->answered = false;
    cf_event_ask_again (self->membership);
}

/* ---- after a restart ---- */

bool
cf_lease_claim (cf_lease_t *self, const char *name, cf_job_t *job, uint32_t attempt)
{
    if (job->state != CF_JOB_RUNNING || job->attempt != attempt)
        return false;
    cf_job_peer_t *peer = s_peer (self, name, true);
    if (job->holder)
        return job->holder == peer;
    if (peer)
        s_hold (peer, job);
    return peer != NULL;
}

/*  Whether every process of the job's service that we know of has claimed, and there is one. */
static bool
s_all_claimed (cf_lease_t *self, const char *service)
{
    size_t claimed = 0;
    for (cf_job_peer_t *peer = self->peers; peer; peer = peer->hh.next)
        if (!peer->leaving && strcmp (peer->service, service) == 0) {
            if (!peer->claimed)
                return false;
            claimed++;
        }
    return claimed > 0;
}

/*  Jobs that nobody has: running ones whose holder has not claimed them in time, and queued ones that are in no queue. */
static void
s_take_in (cf_lease_t *self)
{
    bool late = self->opened && self->asked_ms && cf_clock_ms () > self->claims_ms + CF_LEASE_CLAIM_MS;
    for (cf_job_t *job = cf_desk_first (self->desk); job; job = job->hh.next) {
        if (job->state == CF_JOB_RUNNING && !job->holder && (late || s_all_claimed (self, job->kind->service)))
            s_take_back (self, job, !s_is_suspect (job));      /* who else died with it is not known */
        else if (job->state == CF_JOB_QUEUED && job->accepted && !job->queued)
            s_push (self, job, true);
    }
}

void
cf_lease_claimed (cf_lease_t *self, const char *name)
{
    cf_job_peer_t *peer = s_peer (self, name, true);
    if (peer) {
        peer->claimed = true;
        peer->epoch = cf_link_epoch (cf_link_here ());
        peer->round = self->round;
    }
    s_take_in (self);
    s_dispatch_all (self);
}

void
cf_lease_sweep (cf_lease_t *self)
{
    s_reconcile (self);
    s_take_in (self);
    s_dispatch_all (self);
}

static void
s_on_sweep (void *arg)
{
    cf_lease_sweep (arg);
}

void
cf_lease_open (cf_lease_t *self)
{
    self->opened = true;
    self->claims_ms = cf_clock_ms ();
    cf_timer_set (self->loop, &self->sweep, CF_LEASE_CLAIM_MS + 1, s_on_sweep, self);
}

void
cf_lease_close (cf_lease_t *self)
{
    self->closed = true;
}

/* ---- life ---- */

cf_lease_t *
cf_lease_new (cf_loop_t *loop, cf_desk_t *desk, cf_ledger_t *ledger)
{
    cf_lease_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    *self = (cf_lease_t) { .loop = loop, .desk = desk, .ledger = ledger };
    for (size_t at = 0; cf_job_kind_at (at); at++) {
        self->queues [at] = cf_queue_new ();
        self->suspects [at] = cf_queue_new ();
    }
    self->membership = cf_event_subscribe ("state.peer.*", s_on_membership, self);
    cf_link_on_joined (cf_link_here (), s_on_joined, self);
    if (cf_link_joined (cf_link_here ()))
        s_on_joined (self);
    return self;
}

void
cf_lease_destroy (cf_lease_t **self_p)
{
    cf_lease_t *self = *self_p;
    if (!self)
        return;
    cf_event_unsubscribe (&self->membership);
    cf_link_off_joined (cf_link_here (), s_on_joined, self);
    cf_timer_clear (self->loop, &self->sweep);
    cf_timer_clear (self->loop, &self->again);
    cf_job_peer_t *peer, *next;
    HASH_ITER (hh, self->peers, peer, next) {
        HASH_DEL (self->peers, peer);
        free (peer);
    }
    for (size_t at = 0; cf_job_kind_at (at); at++) {
        cf_queue_destroy (&self->queues [at]);
        cf_queue_destroy (&self->suspects [at]);
    }
    free (self);
    *self_p = NULL;
}
