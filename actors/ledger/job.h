/* SPDX-License-Identifier: MPL-2.0 */
/*  job - an open job in memory: its state, its steps, and how it is shown */
#ifndef CF_LEDGER_JOB_H
#define CF_LEDGER_JOB_H

#include "actors/lib/loop.h"
#include "proto/base/json.h"
#include "proto/base/trace.h"
#include "proto/base/uuid.h"

#include <uthash.h>

/*  Agent types and who does them. */
typedef struct {
    const char *type;           /* as in the API */
    const char *service;        /* whose processes take its leases */
    uint64_t limit_s;           /* working time, before AGENT_TIMEOUT shortens it; 0: three times AGENT_TIMEOUT */
    const char *needs;          /* document the input or the project must have, or NULL */
    const char *unless;         /* member of the input with which it does not need that, or NULL */
    bool alone;                 /* may be asked outside of any project */
} cf_job_kind_t;

/*  Kind of a type, or NULL; kinds in order, NULL beyond the last. Static storage. */
const cf_job_kind_t *cf_job_kind (const char *type);
const cf_job_kind_t *cf_job_kind_at (size_t at);
size_t cf_job_kind_index (const cf_job_kind_t *kind);
/*  Working time of a kind in milliseconds. */
uint64_t cf_job_limit_ms (const cf_job_kind_t *kind);

typedef enum {
    CF_JOB_QUEUED, CF_JOB_RUNNING, CF_JOB_WAITING, CF_JOB_COMPLETED, CF_JOB_FAILED, CF_JOB_CANCELLED, CF_JOB_STATES
} cf_job_state_t;

typedef enum {
    CF_JOB_ON_LEASE,            /* handed to a process */
    CF_JOB_ON_RESULT,           /* its holder finished it */
    CF_JOB_ON_FAILURE,          /* its holder gave up, or its time is over */
    CF_JOB_ON_QUESTION,         /* its holder needs the user */
    CF_JOB_ON_ANSWER,           /* the user answered */
    CF_JOB_ON_CANCEL,           /* the user no longer wants it */
    CF_JOB_ON_DEATH,            /* its holder is gone */
    CF_JOB_EVENTS
} cf_job_event_t;

#define CF_JOB_REFUSED CF_JOB_STATES    /* that event has no place in that state; nothing changes */
/*  The state after event, or CF_JOB_REFUSED. */
cf_job_state_t cf_job_next (cf_job_state_t state, cf_job_event_t event);
bool cf_job_is_terminal (cf_job_state_t state);
/*  "queued" …; and back (CF_JOB_REFUSED where it is none). Static storage. */
const char *cf_job_state_name (cf_job_state_t state);
cf_job_state_t cf_job_state_named (const char *name);

typedef struct cf_step_t {
    struct cf_step_t *next;
    char name [192];
    const char *status;         /* running, completed, failed */
    uint32_t attempt;
    char model [64];            /* "" while running */
    uint64_t started_us, completed_us;  /* wall clock; 0: not yet */
    uint64_t input_tokens, output_tokens;
    double cost_usd;
    uint32_t first_token_ms;    /* from its start to the first token; 0: there was none, or it is not known */
    uint64_t ticket;            /* of its row in the journal, once it was written by this process; 0 */
} cf_step_t;

/*  What is reserved for one model call; see budget.h. */
typedef struct cf_hold_t {
    struct cf_hold_t *next;
    char id [CF_UUID_SIZE];     /* chosen by whoever makes the call */
    char step [192];            /* that the call is to finish */
    uint64_t most;              /* that its present attempt can cost, in millionths of a US dollar */
    uint64_t lost;              /* that its former attempts are assumed to have cost */
} cf_hold_t;

typedef struct cf_job_peer_t cf_job_peer_t;

/*  Why a job failed. */
typedef struct {
    const char *code;           /* name in errors.def */
    const char *text;           /* for people */
    const char *details;        /* for clients: JSON text, or "" */
} cf_job_failure_t;

/*  With the code's public sentence. */
cf_job_failure_t cf_job_failure (cf_error_code_t code);

typedef struct cf_job_t {
    UT_hash_handle hh;
    struct cf_job_t *prev, *next;       /* in its user's queue, or among its holder's leases */
    char id [CF_UUID_SIZE];
    char project [CF_UUID_SIZE];        /* "": none */
    char user [CF_UUID_SIZE];
    const cf_job_kind_t *kind;
    cf_job_state_t state;
    bool accepted;              /* the ledger has it */
    bool settled;               /* its state is committed: what clients may be told is the end, is */
    bool queued;                /* in the queue now */
    uint64_t version;           /* grows with whatever cf_job_show shows; from 1 */
    uint32_t progress;
    char stage [64];
    char note [200];
    uint32_t attempt;           /* the fencing token: grows with every new holder */
    uint32_t deaths;            /* processes lost over it */
    uint32_t answers;           /* times the user has answered; each takes a new token, which clients do not count as an attempt */
    char last_request [CF_UUID_SIZE];   /* of its user, that moved it; "": none has */
    uint32_t priority;
    char *input;                /* JSON text */
    char *result;               /* JSON text: the questions while waiting, the document once ended; or NULL */
    char *error;                /* why it failed, for people; or NULL */
    char error_code [32];       /* name in errors.def, or "" */
    char *error_details;        /* JSON text, or NULL */
    bool simulated;
    char trace [CF_TRACE_SIZE];
    uint64_t created_us, started_us, completed_us;      /* wall clock; 0: not yet */
    uint64_t spent_ms, running_since_ms;
    uint64_t ticket;            /* of its newest row, 0: none was written by this process */
    uint64_t step_ticket;       /* of the newest row in its journal, 0: likewise */
    uint64_t last_event;        /* seq of the newest event */
    uint64_t told_event;        /* seq of the newest one that is committed, and so was told */
    uint64_t input_tokens, output_tokens, calls;
    double cost_usd;
    uint64_t lost;              /* millionths of a US dollar that calls without an answer are assumed to have cost */
    cf_hold_t *holds;           /* calls under way, where a budget is set */
    uint64_t counted;           /* what all of it counts, as far as its account knows */
    struct cf_account_t *account;       /* of its user's day; NULL where that has no budget */
    struct cf_job_t *account_prev, *account_next;
    cf_step_t *steps;
    cf_job_peer_t *holder;      /* NULL: nobody, or not known yet after a restart */
    cf_timer_t limit;           /* end of its working time */
    void *limit_owner;          /* whoever armed it */
    struct cf_job_wait_t *waits;        /* tasks that wait for its end: desk.c */
    bool behind;                /* its row lacks what its events told: desk.c */
    struct cf_job_t *behind_prev, *behind_next;
} cf_job_t;

/*  A job in state QUEUED, attempt 1; NULL when out of memory. Its timer and lists are its user's to clear before destroy. */
cf_job_t *cf_job_new (const char *id, const char *project, const char *user, const cf_job_kind_t *kind, const char *input);
void cf_job_destroy (cf_job_t **self_p);

cf_step_t *cf_job_find_step (cf_job_t *self, const char *name);
/*  Appends a step; its place in the order (from 1) goes to *seq. NULL when out of memory or beyond 500 steps. */
cf_step_t *cf_job_add_step (cf_job_t *self, const char *name, size_t *seq);

/*  All that it holds, with what is lost within. */
uint64_t cf_job_held (const cf_job_t *self);
/*  The attempt that clients see: 1 until a process is lost. */
uint32_t cf_job_shown_attempt (const cf_job_t *self);
/*  The Job of the HTTP API; the caller's. */
cf_json_t *cf_job_show (const cf_job_t *self);
/*  The state in it: an end that is not committed is not shown. */
cf_job_state_t cf_job_shown_state (const cf_job_t *self);
cf_json_t *cf_job_show_step (const cf_step_t *step);
/*  Data of an event of this job as it is now: {job_id, status, progress} and, by event, stage and message, step, result
    or error; the caller's. step may be NULL. Without `with_result`, a `complete` leaves its result out. */
cf_json_t *cf_job_show_event (const cf_job_t *self, const char *event, const cf_step_t *step, bool with_result);
/*  The event that tells of the present state: complete, error, cancelled, waiting, progress. */
const char *cf_job_event_name (cf_job_state_t state);

#endif
