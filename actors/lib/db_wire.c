/* SPDX-License-Identifier: MPL-2.0 */
/*  db_wire - connects, prepares, sends and reads, all without waiting
 *
 *  Only libpq's look-up of a host name can hold the loop up; use an address or a socket where that matters.
 *  A statement is prepared in the flight that first uses it. Until that is confirmed, other flights use it unprepared:
 *  were the first one aborted before the PREPARE, a name would be used that does not exist.
 */

#include "actors/lib/db_wire.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_DB_CONNECT_MS 5000u
#define CF_DB_BACKOFF_MIN_MS 50u
#define CF_DB_BACKOFF_MAX_MS 1000u
#define CF_DB_PREPARED_MAX 200u         /* statements kept prepared; the rest is parsed each time */
#define CF_DB_SLOTS 512u                /* places of the table: a power of 2 over twice as many */
#define CF_DB_NAME_SIZE 32

typedef enum { DOWN, CONNECTING, UP } state_t;
typedef enum { ABSENT, ASKED, READY } plan_state_t;

typedef struct {
    char *sql;
    uint32_t hash;
    plan_state_t state;
} plan_t;

struct cf_db_wire_t {
    cf_loop_t *loop;
    char *url;
    const char *settings;
    cf_loop_fn *fn;
    void *arg;
    PGconn *pg;
    state_t state;
    int fd;                             /* watched; -1: none */
    bool writing, writable_wanted;      /* bytes are left to write; what epoll was told */
    bool complained;                    /* about this failure to connect */
    uint64_t backoff_ms;
    cf_timer_t timer;                   /* next attempt, or end of patience with this one */
    cf_db_flight_t *first, *last;       /* on the way */
    plan_t plans [CF_DB_SLOTS];
    size_t plan_count;
    uint32_t epoch;                     /* part of the names of prepared statements; grows when they are forgotten */
};

static void s_connect (void *arg);
static void s_on_io (void *arg, uint32_t events);

/*  libpq prints notices on stderr unless told otherwise. */
static void
s_on_notice (void *arg, const char *message)
{
    (void) arg;
    cf_log_debug ("database: %.*s", (int) strcspn (message, "\n"), message);
}

static void
s_unwatch (cf_db_wire_t *self)
{
    if (self->fd >= 0)
        cf_loop_unwatch (self->loop, self->fd);
    self->fd = -1;
}

static int
s_watch (cf_db_wire_t *self, uint32_t events)
{
    int fd = PQsocket (self->pg);
    if (fd < 0 || cf_loop_watch (self->loop, fd, events, s_on_io, self))
        return -1;
    self->fd = fd;
    self->writable_wanted = (events & EPOLLOUT) != 0;
    return 0;
}

static void
s_forget_plans (cf_db_wire_t *self)
{
    for (size_t at = 0; at < CF_DB_SLOTS; at++)
        free (self->plans [at].sql);
    memset (self->plans, 0, sizeof self->plans);
    self->plan_count = 0;
    self->epoch++;
}

static void
s_land (cf_db_wire_t *self, cf_db_outcome_t outcome)
{
    cf_db_flight_t *flight = self->first;
    self->first = flight->next;
    if (!self->first)
        self->last = NULL;
    if (outcome != CF_DB_COMMITTED)
        cf_db_flight_clear (flight);
    flight->fn (flight, outcome);
}

/*  Gives the connection up and tries again later. */
static void
s_lose (cf_db_wire_t *self)
{
    bool was_up = self->state == UP;
    if (was_up || !self->complained) {
        const char *reason = PQerrorMessage (self->pg);
        const char *text = was_up? "database connection lost": "database cannot be reached";
        cf_log_warning ("%s: %.*s", text, (int) strcspn (reason, "\n"), reason);
        self->complained = true;
    }
    s_unwatch (self);
    PQfinish (self->pg);
    self->pg = NULL;
    self->state = DOWN;
    self->writing = false;
    s_forget_plans (self);
    uint64_t jitter_ms = cf_clock_us () % (self->backoff_ms / 4 + 1);
    cf_timer_set (self->loop, &self->timer, self->backoff_ms + jitter_ms, s_connect, self);
    self->backoff_ms = self->backoff_ms * 2 < CF_DB_BACKOFF_MAX_MS? self->backoff_ms * 2: CF_DB_BACKOFF_MAX_MS;
    while (self->first)
        s_land (self, CF_DB_LOST);
    if (was_up)
        self->fn (self->arg);
}

static void
s_on_connect_timeout (void *arg)
{
    cf_db_wire_t *self = arg;
    s_lose (self);
}

static void
s_connect (void *arg)
{
    cf_db_wire_t *self = arg;
    const char *const names [] = {
        "dbname", "client_encoding", "fallback_application_name", "tcp_user_timeout", "keepalives_idle", "options", NULL
    };
    const char *const values [] = { self->url, "UTF8", "codeforge", "30000", "30", self->settings, NULL };
    self->pg = PQconnectStartParams (names, values, 1);
    self->state = CONNECTING;
    if (!self->pg || PQstatus (self->pg) == CONNECTION_BAD) {
        s_lose (self);
        return;
    }
    PQsetNoticeProcessor (self->pg, s_on_notice, NULL);
    cf_timer_set (self->loop, &self->timer, CF_DB_CONNECT_MS, s_on_connect_timeout, self);
    if (s_watch (self, EPOLLOUT))
        s_lose (self);
}

static void
s_go_up (cf_db_wire_t *self)
{
    if (PQsetnonblocking (self->pg, 1) || !PQenterPipelineMode (self->pg) || s_watch (self, EPOLLIN)) {
        s_lose (self);
        return;
    }
    cf_timer_clear (self->loop, &self->timer);
    if (self->complained)
        cf_log_info ("database connection is back");
    self->complained = false;
    self->backoff_ms = CF_DB_BACKOFF_MIN_MS;
    self->state = UP;
    self->fn (self->arg);
}

static void
s_go_on_connecting (cf_db_wire_t *self)
{
    s_unwatch (self);                   /* libpq may change the socket */
    int rc = 0;
    switch (PQconnectPoll (self->pg)) {
    case PGRES_POLLING_OK:
        s_go_up (self);
        return;
    case PGRES_POLLING_READING:
        rc = s_watch (self, EPOLLIN);
        break;
    case PGRES_POLLING_WRITING:
        rc = s_watch (self, EPOLLOUT);
        break;
    default:
        rc = -1;
    }
    if (rc)
        s_lose (self);
}

static bool
s_is_class (const char *sqlstate, const char *prefix)
{
    return !strncmp (sqlstate, prefix, strlen (prefix));
}

/*  What an SQLSTATE (PostgreSQL manual, appendix A) means for the transaction. */
static cf_db_outcome_t
s_classify (const char *sqlstate)
{
    if (s_is_class (sqlstate, "08P01"))
        return CF_DB_REFUSED;           /* wrong number of parameters */
    if (!*sqlstate || s_is_class (sqlstate, "08") || s_is_class (sqlstate, "57P"))
        return CF_DB_LOST;
    if (s_is_class (sqlstate, "53") || s_is_class (sqlstate, "58030") || s_is_class (sqlstate, "25006"))
        return CF_DB_UNABLE;
    if (s_is_class (sqlstate, "40001") || s_is_class (sqlstate, "40P01")          /* serialization, deadlock */
     || s_is_class (sqlstate, "26000") || s_is_class (sqlstate, "0A000"))         /* prepared statement gone, outdated */
        return CF_DB_AGAIN;
    return CF_DB_REFUSED;
}

static void
s_note_error (cf_db_wire_t *self, cf_db_flight_t *flight, const PGresult *result)
{
    if (flight->failed)
        return;
    const char *sqlstate = PQresultErrorField (result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField (result, PG_DIAG_MESSAGE_PRIMARY);
    snprintf (flight->sqlstate, sizeof flight->sqlstate, "%s", sqlstate? sqlstate: "");
    snprintf (flight->message, sizeof flight->message, "%s", message? message: "no answer");
    flight->failed = true;
    flight->outcome = s_classify (flight->sqlstate);
    if (s_is_class (flight->sqlstate, "26000") || s_is_class (flight->sqlstate, "0A000"))
        s_forget_plans (self);
}

/*  Takes one result of the first flight, which is not the end of the flight. */
static void
s_take (cf_db_wire_t *self, PGresult *result)
{
    cf_db_flight_t *flight = self->first;
    ExecStatusType status = PQresultStatus (result);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    bool preparing = flight->at < flight->count && flight->prepares >> flight->at & 1u;
    if (!good && status != PGRES_PIPELINE_ABORTED)
        s_note_error (self, flight, result);
    if (preparing && flight->epoch == self->epoch)
        self->plans [flight->slots [flight->at]].state = good? READY: ABSENT;
    if (!preparing && good && flight->at < flight->count && !flight->results [flight->at])
        flight->results [flight->at] = result;
    else
        PQclear (result);
    flight->answering = true;
}

/*  The NULL after a result: what it answered is over. */
static void
s_step (cf_db_flight_t *flight)
{
    flight->answering = false;
    if (flight->at == flight->count)
        return;                         /* an error of the commit itself */
    if (flight->prepares >> flight->at & 1u)
        flight->prepares &= ~(UINT64_C (1) << flight->at);
    else
        flight->at++;
}

static void
s_end_flight (cf_db_wire_t *self)
{
    cf_db_flight_t *flight = self->first;
    if (!flight->failed && flight->at != flight->count) {
        flight->failed = true;          /* the server and we do not agree on what was asked */
        flight->outcome = CF_DB_LOST;
    }
    s_land (self, flight->failed? flight->outcome: CF_DB_COMMITTED);
}

/*  Reads what is there. -1 when the connection is lost. */
static int
s_read (cf_db_wire_t *self)
{
    if (!PQconsumeInput (self->pg))
        return -1;
    int silent = 0;
    while (self->first && silent < 2 && !PQisBusy (self->pg)) {
        PGresult *result = PQgetResult (self->pg);
        if (result)
            silent = 0;
        if (!result && self->first->answering)
            s_step (self->first);
        else if (!result)
            silent++;                   /* once after a sync; twice: nothing more is there */
        else if (PQresultStatus (result) == PGRES_PIPELINE_SYNC) {
            PQclear (result);
            s_end_flight (self);
        }
        else
            s_take (self, result);
    }
    PGTransactionStatusType transaction = PQtransactionStatus (self->pg);
    if (!self->first && (transaction == PQTRANS_INTRANS || transaction == PQTRANS_INERROR)) {
        cf_log_error ("a statement left a transaction open: its connection is closed");
        return -1;
    }
    return PQstatus (self->pg) == CONNECTION_OK? 0: -1;
}

static void
s_on_io (void *arg, uint32_t events)
{
    cf_db_wire_t *self = arg;
    if (self->state == CONNECTING)
        s_go_on_connecting (self);
    else if (events & ~(uint32_t) EPOLLOUT && s_read (self))
        s_lose (self);
    else
        cf_db_wire_flush (self);
}

void
cf_db_wire_flush (cf_db_wire_t *self)
{
    if (self->state != UP)
        return;
    int left = PQflush (self->pg);
    bool wanted = left == 1;
    if (left < 0 || (wanted != self->writable_wanted && s_watch (self, EPOLLIN | (wanted? EPOLLOUT: 0u))))
        s_lose (self);
}

static uint32_t
s_hash (const char *text)
{
    uint32_t hash = 2166136261u;        /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (uint8_t) *text) * 16777619u;
    return hash;
}

/*  The place of a statement in the table, made if there is room; NULL if not. */
static plan_t *
s_lookup_plan (cf_db_wire_t *self, const char *sql)
{
    uint32_t hash = s_hash (sql);
    size_t at = hash % CF_DB_SLOTS;
    while (self->plans [at].sql && (self->plans [at].hash != hash || strcmp (self->plans [at].sql, sql)))
        at = (at + 1) % CF_DB_SLOTS;
    plan_t *plan = &self->plans [at];
    if (plan->sql)
        return plan;
    if (self->plan_count == CF_DB_PREPARED_MAX || !(plan->sql = strdup (sql)))
        return NULL;
    plan->hash = hash;
    self->plan_count++;
    return plan;
}

/*  1 for success, like libpq. */
static int
s_send_statement (cf_db_wire_t *self, cf_db_flight_t *flight, size_t at, const cf_db_statement_t *statement)
{
    int count = (int) statement->param_count;
    plan_t *plan = s_lookup_plan (self, statement->sql);
    bool asked_here = false;
    if (plan) {
        flight->slots [at] = (uint16_t) (plan - self->plans);
        for (size_t before = 0; before < at && !asked_here; before++)
            asked_here = flight->prepares >> before & 1u && flight->slots [before] == flight->slots [at];
    }
    if (!plan || (plan->state == ASKED && !asked_here))
        return PQsendQueryParams (self->pg, statement->sql, count, NULL, statement->params, NULL, NULL, 0);
    char name [CF_DB_NAME_SIZE];
    snprintf (name, sizeof name, "cf%u_%u", self->epoch, flight->slots [at]);
    if (plan->state == ABSENT) {
        if (!PQsendPrepare (self->pg, name, statement->sql, 0, NULL))
            return 0;
        plan->state = ASKED;
        flight->prepares |= UINT64_C (1) << at;
    }
    return PQsendQueryPrepared (self->pg, name, count, statement->params, NULL, NULL, 0);
}

void
cf_db_wire_send (cf_db_wire_t *self, cf_db_flight_t *flight, const cf_db_statement_t *statements, size_t count)
{
    assert (self->state == UP && count && count <= CF_DB_FLIGHT_MAX);
    flight->next = NULL;
    flight->count = count;
    flight->at = 0;
    flight->prepares = 0;
    flight->epoch = self->epoch;
    flight->answering = flight->failed = false;
    flight->sqlstate [0] = flight->message [0] = 0;
    memset (flight->results, 0, count * sizeof flight->results [0]);
    if (self->last)
        self->last->next = flight;
    else
        self->first = flight;
    self->last = flight;
    for (size_t at = 0; at < count; at++)
        if (!s_send_statement (self, flight, at, &statements [at])) {
            s_lose (self);
            return;
        }
    if (!PQpipelineSync (self->pg))
        s_lose (self);
}

void
cf_db_flight_clear (cf_db_flight_t *self)
{
    for (size_t at = 0; at < self->count; at++)
        cf_db_result_destroy (&self->results [at]);
}

int
cf_db_wire_check (const char *url, cf_error_t *error)
{
    char *reason = NULL;                /* not shown: it may quote the address */
    PQconninfoOption *options = PQconninfoParse (url, &reason);
    PQfreemem (reason);
    if (!options)
        return cf_error_set (error, CF_ERROR_INVALID, "the database address is not one that PostgreSQL understands");
    PQconninfoFree (options);
    return 0;
}

cf_db_wire_t *
cf_db_wire_new (cf_loop_t *loop, const char *url, const char *settings, cf_loop_fn *fn, void *arg)
{
    cf_db_wire_t *self = calloc (1, sizeof *self);
    if (!self || !(self->url = strdup (url))) {
        free (self);
        return NULL;
    }
    self->loop = loop;
    self->settings = settings;
    self->fn = fn;
    self->arg = arg;
    self->fd = -1;
    self->backoff_ms = CF_DB_BACKOFF_MIN_MS;
    cf_timer_set (loop, &self->timer, 0, s_connect, self);
    return self;
}

void
cf_db_wire_destroy (cf_db_wire_t **self_p)
{
    cf_db_wire_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    s_unwatch (self);
    cf_timer_clear (self->loop, &self->timer);
    PQfinish (self->pg);
    self->state = DOWN;
    while (self->first)
        s_land (self, CF_DB_LOST);
    s_forget_plans (self);
    free (self->url);
    free (self);
}

bool
cf_db_wire_is_up (const cf_db_wire_t *self)
{
    return self->state == UP;
}

bool
cf_db_wire_is_free (const cf_db_wire_t *self)
{
    return self->state == UP && !self->first;
}

/*  Results: see db.h. */

size_t
cf_db_rows (const cf_db_result_t *result)
{
    return (size_t) PQntuples (result);
}

size_t
cf_db_columns (const cf_db_result_t *result)
{
    return (size_t) PQnfields (result);
}

static bool
s_has (const cf_db_result_t *result, size_t row, size_t column)
{
    return row < cf_db_rows (result) && column < cf_db_columns (result) && !PQgetisnull (result, (int) row, (int) column);
}

const char *
cf_db_value (const cf_db_result_t *result, size_t row, size_t column)
{
    return s_has (result, row, column)? PQgetvalue (result, (int) row, (int) column): NULL;
}

size_t
cf_db_value_size (const cf_db_result_t *result, size_t row, size_t column)
{
    return s_has (result, row, column)? (size_t) PQgetlength (result, (int) row, (int) column): 0;
}

int
cf_db_column (const cf_db_result_t *result, const char *name)
{
    return PQfnumber (result, name);
}

uint64_t
cf_db_affected (const cf_db_result_t *result)
{
    /*  PQcmdTuples wants a result that is not const, though it does not change it. */
    return strtoull (PQcmdTuples ((cf_db_result_t *) (uintptr_t) result), NULL, 10);
}

void
cf_db_result_destroy (cf_db_result_t **result_p)
{
    PQclear (*result_p);
    *result_p = NULL;
}
