/* SPDX-License-Identifier: MPL-2.0 */
/*  db_batch - transactions in one queue, the first of them under way, the last still filling
 *
 *  Only one transaction is under way: were a second sent before the first is known to be committed, it could not be held
 *  back when the first must be split. The second fills meanwhile, so that batches grow with the load.
 *
 *  Values are written straight into the array literals that the lane's statement takes; where each row begins is kept, so
 *  that a part of the transaction can be cut out. A transaction's rows are numbered in the order in which they are
 *  carried out (lane after lane): that is their place. What is still to be sent of it is a list of ranges of places:
 *  all of them at first; a range that is refused is halved.
 */

#include "actors/lib/db_batch.h"
#include "actors/lib/db_wire.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* lanes find their rows by key: a plan made while a table was small must not read all of it once it is large */
#define CF_BATCH_SETTINGS "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
#define CF_BATCH_RANGES 16              /* of a halved transaction: more than the logarithm of its rows */
#define CF_BATCH_ATTEMPTS 5             /* for a range that the server asks to repeat (deadlock …) */
#define CF_BATCH_RETRY_MIN_MS 50u       /* while the server is unable, doubling */
#define CF_BATCH_RETRY_MAX_MS 1000u
#define CF_BATCH_LITERAL_BYTES (3u * CF_BATCH_WAITING_BYTES)     /* quoting at most doubles */
#define CF_BATCH_ROW_BYTES 64u          /* counted for each row on top of its values */
#define CF_BATCH_REFUSALS 256u          /* refused rows that are remembered for late askers */

typedef enum { PENDING, COMMITTED, REFUSED } fate_t;

typedef struct {
    char *sql;
    size_t columns, first_column;       /* how many; place of the first among all columns */
    cf_batch_result_fn *fn;
    void *arg;
} lane_t;

typedef struct {
    uint32_t *starts;                   /* row x column: where the element begins in its literal */
    size_t count, capacity;             /* rows */
    size_t first_place;                 /* once the transaction is closed */
} lane_rows_t;

typedef struct {
    uint8_t lane;
    uint16_t row;                       /* within the lane */
} spot_t;

typedef struct {
    size_t from, to;                    /* places, to excluded */
} range_t;

typedef struct waiter_t waiter_t;

struct waiter_t {
    waiter_t *next, *previous;
    cf_batch_ticket_t ticket;
    cf_task_t *task;                    /* either this, and then the waiter is on its stack */
    cf_error_t *error;
    cf_batch_done_fn *fn;               /* or this, and then it is ours to free */
    void *arg;
    bool ended, ok;
};

typedef struct {
    waiter_t *first, *last;
} waiters_t;

typedef struct transaction_t transaction_t;

struct transaction_t {
    transaction_t *next;
    cf_batch_ticket_t first_ticket;
    size_t count, bytes;                /* rows */
    uint64_t born_us;
    bool closed;                        /* no row can be added any more */
    bool urgent;                        /* a task waits for one of its rows */
    lane_rows_t lanes [CF_BATCH_LANES];
    spot_t spots [CF_BATCH_ROWS];       /* by ticket */
    uint8_t fates [CF_BATCH_ROWS];      /* by place */
    range_t ranges [CF_BATCH_RANGES];   /* still to be sent, the next one last */
    size_t range_count;
    unsigned attempts;                  /* of the next range */
    waiters_t waiters;
    cf_buf_t columns [];                /* of all lanes: an array literal each */
};

typedef struct {
    cf_batch_ticket_t ticket;
    char sqlstate [6];
} refusal_t;

struct cf_batch_t {
    cf_loop_t *loop;
    cf_db_wire_t *wire;
    lane_t lanes [CF_BATCH_LANES];
    size_t lane_count, column_count;
    transaction_t *first, *last;
    transaction_t *spare;               /* one, kept with its memory */
    cf_batch_ticket_t last_ticket;
    size_t waiting_bytes;
    cf_db_flight_t flight;
    uint8_t flight_lanes [CF_BATCH_LANES];      /* whose statement each is */
    size_t flight_count;
    bool unable;                        /* the server was unable; the timer is running */
    uint64_t retry_ms, linger_ms;
    cf_timer_t timer, linger;
    refusal_t refusals [CF_BATCH_REFUSALS];     /* a ring */
    size_t refused;
};

/*  Array literals (PostgreSQL manual, section 8.15.6). */

static int
s_put_element (cf_buf_t *buf, const char *value)
{
    cf_buf_putc (buf, buf->size? ',': '{');
    if (!value)
        return cf_buf_puts (buf, "NULL");
    cf_buf_putc (buf, '"');
    for (;;) {
        size_t plain = strcspn (value, "\"\\");
        cf_buf_append (buf, value, plain);
        value += plain;
        if (!*value)
            return cf_buf_putc (buf, '"');
        cf_buf_putc (buf, '\\');
        cf_buf_putc (buf, *value++);
    }
}

/*  Transactions. */

static transaction_t *
s_new_transaction (cf_batch_t *self)
{
    transaction_t *transaction = self->spare;
    self->spare = NULL;
    if (!transaction) {
        transaction = calloc (1, sizeof *transaction + self->column_count * sizeof transaction->columns [0]);
        if (!transaction)
            return NULL;
        for (size_t column = 0; column < self->column_count; column++)
            cf_buf_init (&transaction->columns [column], CF_BATCH_LITERAL_BYTES);
    }
    transaction->next = NULL;
    transaction->first_ticket = self->last_ticket + 1;
    transaction->count = transaction->bytes = transaction->range_count = 0;
    transaction->attempts = 0;
    transaction->closed = transaction->urgent = false;
    transaction->born_us = cf_clock_us ();
    *(self->last? &self->last->next: &self->first) = transaction;
    self->last = transaction;
    return transaction;
}

static void
s_free_transaction (const cf_batch_t *self, transaction_t *transaction)
{
    for (size_t column = 0; column < self->column_count; column++)
        cf_buf_free (&transaction->columns [column]);
    for (size_t lane = 0; lane < self->lane_count; lane++)
        free (transaction->lanes [lane].starts);
    free (transaction);
}

/*  Takes the first transaction, which is over, out of the queue. */
static void
s_retire (cf_batch_t *self)
{
    transaction_t *transaction = self->first;
    self->first = transaction->next;
    if (!self->first)
        self->last = NULL;
    self->waiting_bytes -= transaction->bytes;
    if (self->spare || transaction->bytes > CF_BATCH_BYTES / 4) {
        s_free_transaction (self, transaction);       /* large ones are rare: do not hold on to their memory */
        return;
    }
    for (size_t lane = 0; lane < self->lane_count; lane++)
        transaction->lanes [lane].count = 0;
    for (size_t column = 0; column < self->column_count; column++)
        cf_buf_reset (&transaction->columns [column]);
    self->spare = transaction;
}

static void
s_close (cf_batch_t *self, transaction_t *transaction)
{
    size_t place = 0;
    for (size_t lane = 0; lane < self->lane_count; lane++) {
        lane_rows_t *rows = &transaction->lanes [lane];
        rows->first_place = place;
        place += rows->count;
        for (size_t column = 0; rows->count && column < self->lanes [lane].columns; column++)
            cf_buf_putc (&transaction->columns [self->lanes [lane].first_column + column], '}');
    }
    memset (transaction->fates, PENDING, transaction->count);
    transaction->ranges [0] = (range_t) { 0, transaction->count };
    transaction->range_count = 1;
    transaction->closed = true;
}

static size_t
s_place (const transaction_t *transaction, cf_batch_ticket_t ticket)
{
    spot_t spot = transaction->spots [ticket - transaction->first_ticket];
    return transaction->lanes [spot.lane].first_place + spot.row;
}

static transaction_t *
s_lookup (const cf_batch_t *self, cf_batch_ticket_t ticket)
{
    transaction_t *transaction = self->last;
    if (!transaction || ticket >= transaction->first_ticket)
        return transaction;
    for (transaction = self->first; transaction; transaction = transaction->next)
        if (ticket < transaction->first_ticket + transaction->count)
            return ticket < transaction->first_ticket? NULL: transaction;
    return NULL;
}

/*  Waiters. */

static void
s_unlink (waiters_t *list, waiter_t *waiter)
{
    *(waiter->previous? &waiter->previous->next: &list->first) = waiter->next;
    *(waiter->next? &waiter->next->previous: &list->last) = waiter->previous;
}

static void
s_link (waiters_t *list, waiter_t *waiter)
{
    waiter->previous = list->last;
    waiter->next = NULL;
    *(list->last? &list->last->next: &list->first) = waiter;
    list->last = waiter;
}

/*  Ends the waiters of a list, which has been taken out of its transaction: whatever they do, they cannot meet it. */
static void
s_tell (waiter_t *waiter, bool ok)
{
    while (waiter) {
        waiter_t *next = waiter->next;
        waiter->ok = ok;
        waiter->ended = true;
        if (waiter->task)
            cf_task_wake (waiter->task);
        else {
            waiter->fn (waiter->arg, ok);
            free (waiter);
        }
        waiter = next;
    }
}

/*  Settles the next range of the first transaction. why: of a refused row. */
static void
s_settle (cf_batch_t *self, fate_t fate, const char *why)
{
    transaction_t *transaction = self->first;
    range_t range = transaction->ranges [--transaction->range_count];
    transaction->attempts = 0;
    memset (transaction->fates + range.from, (int) fate, range.to - range.from);
    waiters_t told = { 0 };
    for (waiter_t *waiter = transaction->waiters.first, *next; waiter; waiter = next) {
        next = waiter->next;
        size_t place = s_place (transaction, waiter->ticket);
        if (place < range.from || place >= range.to)
            continue;
        s_unlink (&transaction->waiters, waiter);
        s_link (&told, waiter);
        if (fate == REFUSED && waiter->task)
            cf_error_set (waiter->error, CF_ERROR_DATABASE_REFUSED, "%s", why);
    }
    if (!transaction->range_count)
        s_retire (self);
    s_tell (told.first, fate == COMMITTED);
}

static void
s_remember_refusal (cf_batch_t *self)
{
    transaction_t *transaction = self->first;
    size_t place = transaction->ranges [transaction->range_count - 1].from;
    for (size_t at = 0; at < transaction->count; at++)
        if (s_place (transaction, transaction->first_ticket + at) == place) {
            refusal_t *refusal = &self->refusals [self->refused++ % CF_BATCH_REFUSALS];
            refusal->ticket = transaction->first_ticket + at;
            snprintf (refusal->sqlstate, sizeof refusal->sqlstate, "%s", self->flight.sqlstate);
        }
}

/*  The server refused the next range: halves it, or gives its only row up. */
static void
s_split (cf_batch_t *self)
{
    transaction_t *transaction = self->first;
    range_t *range = &transaction->ranges [transaction->range_count - 1];
    if (range->to - range->from > 1) {
        size_t middle = range->from + (range->to - range->from) / 2;
        range_t half = { range->from, middle };
        range->from = middle;
        transaction->ranges [transaction->range_count++] = half;
        transaction->attempts = 0;
        return;
    }
    char why [sizeof self->flight.sqlstate + sizeof self->flight.message];
    snprintf (why, sizeof why, "%s %s", self->flight.sqlstate, self->flight.message);
    cf_log_warning ("a row was refused by the database: %s", why);
    s_remember_refusal (self);
    s_settle (self, REFUSED, why);
}

static void
s_on_retry (void *arg)
{
    cf_batch_t *self = arg;
    self->unable = false;
    cf_loop_kick (self->loop);
}

static void
s_put_off (cf_batch_t *self)
{
    if (self->retry_ms == CF_BATCH_RETRY_MIN_MS)
        cf_log_error ("the database cannot write at present, rows wait: %s", self->flight.message);
    self->unable = true;
    cf_timer_set (self->loop, &self->timer, self->retry_ms, s_on_retry, self);
    self->retry_ms = self->retry_ms * 2 < CF_BATCH_RETRY_MAX_MS? self->retry_ms * 2: CF_BATCH_RETRY_MAX_MS;
}

static void
s_on_landed (cf_db_flight_t *flight, cf_db_outcome_t outcome)
{
    cf_batch_t *self = flight->arg;
    cf_loop_kick (self->loop);
    switch (outcome) {
    case CF_DB_COMMITTED:
        self->retry_ms = CF_BATCH_RETRY_MIN_MS;
        for (size_t at = 0; at < self->flight_count; at++) {
            lane_t *lane = &self->lanes [self->flight_lanes [at]];
            if (lane->fn && flight->results [at])
                lane->fn (lane->arg, flight->results [at]);
        }
        cf_db_flight_clear (flight);
        s_settle (self, COMMITTED, NULL);
        break;
    case CF_DB_AGAIN:
        if (++self->first->attempts < CF_BATCH_ATTEMPTS)
            break;
        s_split (self);
        break;
    case CF_DB_REFUSED:
        s_split (self);
        break;
    case CF_DB_UNABLE:
        s_put_off (self);
        break;
    case CF_DB_LOST:
        break;                          /* sent again when the connection is back */
    }
}

/*  Sending. */

/*  One lane's part of a range: the parameters of its statement. cut holds those that had to be cut out. */
static size_t
s_slice (const cf_batch_t *self, const transaction_t *transaction, size_t lane, range_t range, const char **params,
         cf_buf_t *cut)
{
    const lane_rows_t *rows = &transaction->lanes [lane];
    size_t columns = self->lanes [lane].columns;
    size_t from = range.from > rows->first_place? range.from - rows->first_place: 0;
    size_t to = range.to > rows->first_place? range.to - rows->first_place: 0;
    if (to > rows->count)
        to = rows->count;
    if (from >= to)
        return 0;
    for (size_t column = 0; column < columns; column++) {
        const cf_buf_t *all = &transaction->columns [self->lanes [lane].first_column + column];
        params [column] = all->bytes;
        if (to - from == rows->count)
            continue;
        size_t begin = rows->starts [from * columns + column];
        size_t end = (to < rows->count? rows->starts [to * columns + column]: all->size) - 1;
        cf_buf_init (&cut [column], CF_BATCH_LITERAL_BYTES);
        cf_buf_putc (&cut [column], '{');
        cf_buf_append (&cut [column], all->bytes + begin, end - begin);
        if (cf_buf_putc (&cut [column], '}'))
            abort ();                   /* out of memory: the supervisor restarts the process */
        params [column] = cut [column].bytes;
    }
    return columns;
}

static void
s_send (cf_batch_t *self)
{
    transaction_t *transaction = self->first;
    range_t range = transaction->ranges [transaction->range_count - 1];
    static const char *params [CF_BATCH_LANES] [CF_BATCH_COLUMNS];
    static cf_buf_t cuts [CF_BATCH_LANES] [CF_BATCH_COLUMNS];
    cf_db_statement_t statements [CF_BATCH_LANES];
    self->flight_count = 0;
    for (size_t lane = 0; lane < self->lane_count; lane++) {
        size_t columns = s_slice (self, transaction, lane, range, params [lane], cuts [lane]);
        if (!columns)
            continue;
        statements [self->flight_count] = (cf_db_statement_t) { self->lanes [lane].sql, columns, params [lane] };
        self->flight_lanes [self->flight_count++] = (uint8_t) lane;
    }
    self->flight.fn = s_on_landed;
    self->flight.arg = self;
    cf_db_wire_send (self->wire, &self->flight, statements, self->flight_count);
    cf_db_wire_flush (self->wire);
    for (size_t lane = 0; lane < self->lane_count; lane++)
        for (size_t column = 0; column < self->lanes [lane].columns; column++)
            cf_buf_free (&cuts [lane] [column]);
}

static void
s_on_linger (void *arg)
{
    (void) arg;                         /* the hook at the end of the turn flushes */
}

/*  Whether the first transaction is better sent a little later, with what comes meanwhile: nobody waits for it. */
static bool
s_may_linger (cf_batch_t *self)
{
    const transaction_t *transaction = self->first;
    if (transaction->closed || transaction->urgent || transaction->next || transaction->count >= CF_BATCH_ROWS / 2)
        return false;
    uint64_t age_us = cf_clock_us () - transaction->born_us;
    if (age_us >= self->linger_ms * 1000u)
        return false;
    if (!cf_heap_contains (&self->linger.node))
        cf_timer_set (self->loop, &self->linger, self->linger_ms, s_on_linger, self);
    return true;
}

/*  At the end of each turn. */
static void
s_flush (void *arg)
{
    cf_batch_t *self = arg;
    if (!self->first || self->unable || !cf_db_wire_is_free (self->wire) || s_may_linger (self))
        return;
    if (!self->first->closed)
        s_close (self, self->first);
    s_send (self);
}

static void
s_on_change (void *arg)
{
    cf_batch_t *self = arg;
    cf_loop_kick (self->loop);
}

/*  The public side. */

cf_batch_t *
cf_batch_new (cf_db_t *db)
{
    cf_batch_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->loop = cf_db_loop (db);
    self->retry_ms = CF_BATCH_RETRY_MIN_MS;
    self->wire = cf_db_wire_new (self->loop, cf_db_url (db), CF_BATCH_SETTINGS, s_on_change, self);
    if (!self->wire || cf_loop_add_hook (self->loop, s_flush, self))
        cf_batch_destroy (&self);
    return self;
}

void
cf_batch_destroy (cf_batch_t **self_p)
{
    cf_batch_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    cf_db_wire_destroy (&self->wire);
    cf_loop_remove_hook (self->loop, s_flush, self);
    cf_timer_clear (self->loop, &self->timer);
    cf_timer_clear (self->loop, &self->linger);
    while (self->first) {
        transaction_t *transaction = self->first;
        self->first = transaction->next;
        for (waiter_t *waiter = transaction->waiters.first; waiter; waiter = waiter->next)
            if (waiter->task)
                cf_error_set (waiter->error, CF_ERROR_DATABASE_DOWN, "the row was given up");
        s_tell (transaction->waiters.first, false);
        s_free_transaction (self, transaction);
    }
    if (self->spare)
        s_free_transaction (self, self->spare);
    for (size_t lane = 0; lane < self->lane_count; lane++)
        free (self->lanes [lane].sql);
    free (self);
}

void
cf_batch_set_linger (cf_batch_t *self, uint64_t linger_ms)
{
    self->linger_ms = linger_ms;
}

int
cf_batch_lane (cf_batch_t *self, const char *sql, size_t columns, cf_batch_result_fn *fn, void *arg)
{
    if (self->lane_count == CF_BATCH_LANES || !columns || columns > CF_BATCH_COLUMNS || self->last_ticket)
        return -1;
    lane_t *lane = &self->lanes [self->lane_count];
    if (!(lane->sql = strdup (sql)))
        return -1;
    lane->columns = columns;
    lane->first_column = self->column_count;
    self->column_count += columns;
    lane->fn = fn;
    lane->arg = arg;
    return (int) self->lane_count++;
}

static int
s_make_room (lane_rows_t *rows, size_t columns)
{
    if (rows->count < rows->capacity)
        return 0;
    size_t capacity = rows->capacity? rows->capacity * 2: 16;
    uint32_t *starts = realloc (rows->starts, capacity * columns * sizeof *starts);
    if (!starts)
        return -1;
    rows->starts = starts;
    rows->capacity = capacity;
    return 0;
}

cf_batch_ticket_t
cf_batch_row (cf_batch_t *self, int lane_number, const char *const *values)
{
    size_t lane = (size_t) lane_number, columns = self->lanes [lane].columns, bytes = CF_BATCH_ROW_BYTES;
    for (size_t column = 0; column < columns; column++)
        bytes += values [column]? strlen (values [column]): 0;
    if (bytes > CF_BATCH_WAITING_BYTES - self->waiting_bytes)
        return 0;
    transaction_t *transaction = self->last;
    if (!transaction || transaction->closed || transaction->count == CF_BATCH_ROWS
     || (transaction->count && transaction->bytes + bytes > CF_BATCH_BYTES))
        transaction = s_new_transaction (self);
    lane_rows_t *rows = transaction? &transaction->lanes [lane]: NULL;
    if (!rows || s_make_room (rows, columns))
        return 0;
    for (size_t column = 0; column < columns; column++) {
        cf_buf_t *buf = &transaction->columns [self->lanes [lane].first_column + column];
        rows->starts [rows->count * columns + column] = (uint32_t) buf->size + 1;
        if (s_put_element (buf, values [column]))
            abort ();                   /* out of memory: the supervisor restarts the process */
    }
    transaction->spots [transaction->count++] = (spot_t) { (uint8_t) lane, (uint16_t) rows->count++ };
    transaction->bytes += bytes;
    self->waiting_bytes += bytes;
    cf_loop_kick (self->loop);
    return ++self->last_ticket;
}

/*  What became of a row: PENDING with its transaction, or its end with that as NULL. */
static fate_t
s_fate (const cf_batch_t *self, cf_batch_ticket_t ticket, transaction_t **transaction, const char **sqlstate)
{
    *transaction = s_lookup (self, ticket);
    if (*transaction && (!(*transaction)->closed || (*transaction)->fates [s_place (*transaction, ticket)] == PENDING))
        return PENDING;
    *transaction = NULL;
    for (size_t at = 0; at < CF_BATCH_REFUSALS; at++)
        if (self->refusals [at].ticket == ticket) {
            *sqlstate = self->refusals [at].sqlstate;
            return REFUSED;
        }
    return COMMITTED;
}

int
cf_batch_commit (cf_task_t *task, cf_batch_t *self, cf_batch_ticket_t ticket, cf_error_t *error)
{
    if (!ticket)
        return cf_error_set (error, CF_ERROR_DATABASE_DOWN, "too many rows wait for the database");
    transaction_t *transaction;
    const char *sqlstate = "";
    fate_t fate = s_fate (self, ticket, &transaction, &sqlstate);
    if (fate == REFUSED)
        return cf_error_set (error, CF_ERROR_DATABASE_REFUSED, "%s the row was refused", sqlstate);
    if (fate == COMMITTED)
        return 0;
    waiter_t waiter = { .ticket = ticket, .task = task, .error = error };
    transaction->urgent = true;
    cf_loop_kick (self->loop);
    s_link (&transaction->waiters, &waiter);
    while (!waiter.ended)
        if (cf_task_wait (task, error) && !waiter.ended) {
            s_unlink (&transaction->waiters, &waiter);
            return -1;
        }
    if (waiter.ok && error)
        *error = (cf_error_t) { 0 };    /* committed just before the task was cancelled */
    return waiter.ok? 0: -1;
}

int
cf_batch_notify (cf_batch_t *self, cf_batch_ticket_t ticket, cf_batch_done_fn *fn, void *arg)
{
    if (!ticket)
        return -1;
    transaction_t *transaction;
    const char *sqlstate;
    fate_t fate = s_fate (self, ticket, &transaction, &sqlstate);
    if (fate != PENDING) {
        fn (arg, fate == COMMITTED);
        return 0;
    }
    waiter_t *waiter = calloc (1, sizeof *waiter);
    if (!waiter)
        return -1;
    waiter->ticket = ticket;
    waiter->fn = fn;
    waiter->arg = arg;
    s_link (&transaction->waiters, waiter);
    return 0;
}

bool
cf_batch_idle (const cf_batch_t *self)
{
    return !self->first;
}

size_t
cf_batch_waiting_bytes (const cf_batch_t *self)
{
    return self->waiting_bytes;
}

bool
cf_batch_is_up (const cf_batch_t *self)
{
    return cf_db_wire_is_up (self->wire);
}
