/* SPDX-License-Identifier: MPL-2.0 */
/*  db - queries of tasks, grouped onto free connections at the end of each turn
 *
 *  An item is what one task asked for: a statement, or a unit of several. Items wait in one queue in the order of
 *  asking. Each free connection takes its share; everything else goes on accumulating until one is free, so that groups
 *  grow with the load (group commit). An item whose group was taken back by another's fault goes to the head of the queue,
 *  marked to be sent alone. A cancelled task leaves its item behind if that is under way: its result is dropped.
 *
 *  Within a flight every change of the user is a statement before the first one of the next user: it sets role and claims
 *  for the rest of the transaction, or takes them back before a statement of ours. The end of the transaction takes
 *  them back in any case, and a statement that cannot change the role fails the flight, so nothing ever runs as the wrong one.
 */

#include "actors/lib/db_wire.h"
#include "proto/base/clock.h"
#include "proto/base/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_DB_SHARE_MIN 4               /* below this many items it does not pay to use a second connection */
/* a prepared statement is planned once; planning costs more than most of ours take */
#define CF_DB_SETTINGS "-c plan_cache_mode=force_generic_plan"
#define CF_DB_ATTEMPTS 4                /* for a transaction that the server asks to repeat (deadlock …) */
#define CF_DB_SPARE_MAX 64              /* flights kept for reuse */
#define CF_DB_CLAIMS_SIZE 112

typedef struct item_t item_t;

struct item_t {
    item_t *next, *previous;            /* in the queue */
    cf_task_t *task;                    /* NULL: cancelled, nobody waits */
    const cf_db_statement_t *statements;        /* the task's, like users and error */
    const char *const *users;           /* whom each statement is for; NULL, or NULL within: for us */
    size_t count;
    cf_error_t *error;
    bool queued, ended;
    bool alone;                         /* needs a transaction of its own */
    int rc;                             /* once ended */
    unsigned attempts;
    uint64_t since_ms;
    cf_db_result_t *results [];
};

typedef struct flight_t {
    cf_db_flight_t base;                /* first: one is made from the other's pointer */
    cf_db_t *db;
    struct flight_t *spare;
    item_t *items [CF_DB_FLIGHT_MAX];
    size_t count;
    const char *user;                   /* of the last statement so far, only while it is loaded */
    size_t statements;                  /* so far, changes of the user among them */
    uint64_t changes;                   /* bit: that statement changes the user */
} flight_t;

struct cf_db_t {
    cf_loop_t *loop;
    char *url;
    cf_db_wire_t **wires;
    size_t wire_count;
    uint64_t patience_ms;
    item_t *first, *last;               /* the queue */
    size_t waiting;
    flight_t *spares;
    size_t spare_count;
    cf_timer_t timer;                   /* end of the patience of the first in the queue, while down */
};

static void
s_push (cf_db_t *self, item_t *item, bool front)
{
    item->queued = true;
    item->previous = front? NULL: self->last;
    item->next = front? self->first: NULL;
    if (item->previous)
        item->previous->next = item;
    else
        self->first = item;
    if (item->next)
        item->next->previous = item;
    else
        self->last = item;
    self->waiting++;
    cf_loop_kick (self->loop);
}

static void
s_unlink (cf_db_t *self, item_t *item)
{
    *(item->previous? &item->previous->next: &self->first) = item->next;
    *(item->next? &item->next->previous: &self->last) = item->previous;
    item->queued = false;
    self->waiting--;
}

static void
s_free (item_t *item)
{
    for (size_t at = 0; at < item->count; at++)
        cf_db_result_destroy (&item->results [at]);
    free (item);
}

/*  Ends an item that is in no list any more; its task, if any, frees it. */
static void
s_end (item_t *item, int rc)
{
    item->ended = true;
    item->rc = rc;
    if (item->task)
        cf_task_wake (item->task);
    else
        s_free (item);
}

static void
s_fail_down (item_t *item, const char *reason)
{
    s_end (item, cf_error_set (item->task? item->error: NULL, CF_ERROR_DATABASE_DOWN, "%s", reason));
}

static void
s_set_refused (item_t *item, const cf_db_flight_t *flight)
{
    if (item->task)
        cf_error_set (item->error, CF_ERROR_DATABASE_REFUSED, "%s %s", flight->sqlstate, flight->message);
}

static void
s_on_patience (void *arg)
{
    cf_db_t *self = arg;
    uint64_t now_ms = cf_clock_ms ();
    if (cf_db_is_up (self))
        return;
    while (self->first && self->first->since_ms + self->patience_ms <= now_ms) {
        item_t *item = self->first;
        s_unlink (self, item);
        s_fail_down (item, "the database is not connected");
    }
    if (self->first)
        cf_timer_set (self->loop, &self->timer, self->first->since_ms + self->patience_ms - now_ms, s_on_patience, self);
}

/*  A connection came up or was lost. */
static void
s_on_change (void *arg)
{
    cf_db_t *self = arg;
    cf_loop_kick (self->loop);
    if (!cf_db_is_up (self) && self->first)
        cf_timer_set (self->loop, &self->timer, 0, s_on_patience, self);
}

static flight_t *
s_new_flight (cf_db_t *self)
{
    flight_t *flight = self->spares;
    if (flight) {
        self->spares = flight->spare;
        self->spare_count--;
    }
    else if (!(flight = malloc (sizeof *flight)))
        abort ();                       /* out of memory: the supervisor restarts the process */
    flight->db = self;
    flight->count = flight->statements = 0;
    flight->user = NULL;
    flight->changes = 0;
    return flight;
}

static void
s_recycle (flight_t *flight)
{
    cf_db_t *self = flight->db;
    if (self->spare_count == CF_DB_SPARE_MAX) {
        free (flight);
        return;
    }
    flight->spare = self->spares;
    self->spares = flight;
    self->spare_count++;
}

/*  Hands each item its results; what changed the user yields none that anybody wants. */
static void
s_give_results (flight_t *flight)
{
    for (size_t at = 0, from = 0; at < flight->count; at++)
        for (size_t one = 0; one < flight->items [at]->count; one++, from++) {
            if (flight->changes >> from & 1u)
                cf_db_result_destroy (&flight->base.results [from++]);
            flight->items [at]->results [one] = flight->base.results [from];
            flight->base.results [from] = NULL;
        }
}

/*  Whether the items are to be sent again, each alone, after what the server said. */
static bool
s_must_repeat (const flight_t *flight, cf_db_outcome_t outcome)
{
    if (flight->count > 1)
        return outcome == CF_DB_REFUSED || outcome == CF_DB_AGAIN;
    return outcome == CF_DB_AGAIN && flight->items [0]->attempts < CF_DB_ATTEMPTS;
}

static void
s_repeat (flight_t *flight)
{
    for (size_t at = flight->count; at-- > 0; ) {
        item_t *item = flight->items [at];
        item->alone = true;
        if (item->task)
            s_push (flight->db, item, true);
        else
            s_end (item, -1);
    }
}

static void
s_on_landed (cf_db_flight_t *base, cf_db_outcome_t outcome)
{
    flight_t *flight = (flight_t *) (void *) base;
    if (s_must_repeat (flight, outcome)) {
        s_repeat (flight);
        s_recycle (flight);
        return;
    }
    if (outcome == CF_DB_COMMITTED)
        s_give_results (flight);
    for (size_t at = 0; at < flight->count; at++) {
        item_t *item = flight->items [at];
        if (outcome == CF_DB_COMMITTED)
            s_end (item, 0);
        else if (outcome == CF_DB_LOST)
            s_fail_down (item, "the connection to the database was lost");
        else if (outcome == CF_DB_UNABLE)
            s_fail_down (item, base->message);
        else {
            s_set_refused (item, base);
            s_end (item, -1);
        }
    }
    s_recycle (flight);
}

static const char *
s_user (const item_t *item, size_t at)
{
    return item->users? item->users [at]: NULL;
}

static bool
s_same (const char *user, const char *other)
{
    return user == other || (user && other && strcmp (user, other) == 0);
}

/*  How many statements item becomes after one for *user, which is set to its last one's. */
static size_t
s_measure (const item_t *item, const char **user)
{
    size_t count = item->count;
    for (size_t at = 0; at < item->count; at++) {
        count += !s_same (*user, s_user (item, at));
        *user = s_user (item, at);
    }
    return count;
}

typedef struct {
    const char *params [2];
    char claims [CF_DB_CLAIMS_SIZE];
} change_t;

/*  The statement after which all others run for user: as the web app's role with their claims, or as ourselves. */
static cf_db_statement_t
s_change (change_t *change, const char *user)
{
    *change->claims = 0;
    if (user)
        snprintf (change->claims, sizeof change->claims, "{\"sub\":\"%s\",\"role\":\"authenticated\"}", user);
    change->params [0] = user? "authenticated": "none";
    change->params [1] = change->claims;
    return (cf_db_statement_t) { "select set_config ('role', $1, true), set_config ('request.jwt.claims', $2, true)", 2, change->params };
}

static void
s_send (cf_db_wire_t *wire, flight_t *flight)
{
    cf_db_statement_t statements [CF_DB_FLIGHT_MAX];
    change_t changes [CF_DB_FLIGHT_MAX];
    const char *user = NULL;
    size_t count = 0;
    for (size_t at = 0; at < flight->count; at++)
        for (size_t one = 0; one < flight->items [at]->count; one++) {
            const char *next = s_user (flight->items [at], one);
            if (!s_same (user, next)) {
                flight->changes |= UINT64_C (1) << count;
                statements [count] = s_change (&changes [count], next);
                count++;
            }
            user = next;
            statements [count++] = flight->items [at]->statements [one];
        }
    flight->base.fn = s_on_landed;
    cf_db_wire_send (wire, &flight->base, statements, count);
}

static bool
s_fits (const flight_t *flight, const item_t *item)
{
    const char *user = flight->user;
    return flight->statements + s_measure (item, &user) <= CF_DB_FLIGHT_MAX;
}

static void
s_board (flight_t *flight, item_t *item)
{
    flight->items [flight->count++] = item;
    flight->statements += s_measure (item, &flight->user);
}

/*  Gives a free connection up to share items: a group, and flights of their own for those that must be alone. */
static void
s_load (cf_db_t *self, cf_db_wire_t *wire, size_t share)
{
    flight_t *group = NULL;
    while (share-- && self->first && cf_db_wire_is_up (wire)) {
        item_t *item = self->first;
        if (group && !item->alone && !s_fits (group, item))
            break;
        s_unlink (self, item);
        item->attempts++;
        flight_t *flight = item->alone || !group? s_new_flight (self): group;
        s_board (flight, item);
        if (item->alone)
            s_send (wire, flight);
        else
            group = flight;
    }
    if (group && cf_db_wire_is_up (wire))
        s_send (wire, group);
    else if (group)
        s_on_landed (&group->base, CF_DB_LOST);
    cf_db_wire_flush (wire);
}

/*  At the end of each turn. */
static void
s_flush (void *arg)
{
    cf_db_t *self = arg;
    if (!self->first)
        return;
    size_t idle = 0;
    for (size_t at = 0; at < self->wire_count; at++)
        idle += cf_db_wire_is_free (self->wires [at]);
    if (!idle)
        return;
    size_t share = (self->waiting + idle - 1) / idle;
    if (share < CF_DB_SHARE_MIN)
        share = CF_DB_SHARE_MIN;
    if (share > CF_DB_FLIGHT_MAX)
        share = CF_DB_FLIGHT_MAX;
    for (size_t at = 0; at < self->wire_count && self->first; at++)
        if (cf_db_wire_is_free (self->wires [at]))
            s_load (self, self->wires [at], share);
}

/*  Waits until item has ended, or takes it back. The item is freed in either case. */
static int
s_await (cf_task_t *task, cf_db_t *self, item_t *item, cf_db_result_t **results, cf_error_t *error)
{
    while (!item->ended)
        if (cf_task_wait (task, error)) {
            if (item->ended)
                break;
            item->task = NULL;
            if (item->queued) {
                s_unlink (self, item);
                s_free (item);
            }
            return -1;
        }
    int rc = item->rc;
    if (rc == 0) {
        if (error)
            *error = (cf_error_t) { 0 };        /* committed just before the task was cancelled */
        for (size_t at = 0; results && at < item->count; at++) {
            results [at] = item->results [at];
            item->results [at] = NULL;
        }
    }
    s_free (item);
    return rc;
}

static int
s_run (cf_task_t *task, cf_db_t *self, const char *const *users, const cf_db_statement_t *statements, size_t count, bool alone,
       cf_db_result_t **results, cf_error_t *error)
{
    for (size_t at = 0; results && at < count; at++)
        results [at] = NULL;
    if (cf_task_wait_status (task, error))
        return -1;
    if (self->waiting >= CF_DB_WAITING_MAX)
        return cf_error_set (error, CF_ERROR_DATABASE_DOWN, "too many queries wait for the database");
    item_t *item = calloc (1, sizeof *item + count * sizeof item->results [0]);
    if (!item)
        return cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    item->task = task;
    item->statements = statements;
    item->users = users;
    item->count = count;
    item->error = error;
    item->alone = alone;
    item->since_ms = cf_clock_ms ();
    if (!self->first && !cf_db_is_up (self))
        cf_timer_set (self->loop, &self->timer, self->patience_ms, s_on_patience, self);
    s_push (self, item, false);
    return s_await (task, self, item, results, error);
}

int
cf_db_query (cf_task_t *task, cf_db_t *self, cf_db_result_t **result, cf_error_t *error, const char *sql,
             size_t param_count, const char *const *params)
{
    cf_db_statement_t statement = { sql, param_count, params };
    return s_run (task, self, NULL, &statement, 1, false, result, error);
}

int
cf_db_query_as (cf_task_t *task, cf_db_t *self, const char *user, cf_db_result_t **result, cf_error_t *error, const char *sql,
                size_t param_count, const char *const *params)
{
    cf_db_statement_t statement = { sql, param_count, params };
    return cf_db_unit_as (task, self, &user, &statement, 1, result, error);
}

int
cf_db_query_list (cf_task_t *task, cf_db_t *self, cf_db_result_t **result, cf_error_t *error, size_t count,
                  const char *const *texts)
{
    return cf_db_query (task, self, result, error, texts [0], count - 1, texts + 1);
}

int
cf_db_unit (cf_task_t *task, cf_db_t *self, const cf_db_statement_t *statements, size_t count,
            cf_db_result_t **results, cf_error_t *error)
{
    if (!count || count > CF_DB_FLIGHT_MAX)
        return cf_error_set (error, CF_ERROR_INTERNAL, "a unit has 1 to %d statements", CF_DB_FLIGHT_MAX);
    return s_run (task, self, NULL, statements, count, true, results, error);
}

int
cf_db_unit_as (cf_task_t *task, cf_db_t *self, const char *const *users, const cf_db_statement_t *statements, size_t count,
               cf_db_result_t **results, cf_error_t *error)
{
    for (size_t at = 0; results && at < count; at++)
        results [at] = NULL;
    if (!count || count > CF_DB_FLIGHT_MAX / 2)
        return cf_error_set (error, CF_ERROR_INTERNAL, "a unit for users has 1 to %d statements", CF_DB_FLIGHT_MAX / 2);
    for (size_t at = 0; at < count; at++)
        if (users [at] && !cf_uuid_valid (users [at]))
            return cf_error_set (error, CF_ERROR_INVALID, "a user is named by a uuid");
    return s_run (task, self, users, statements, count, false, results, error);
}

cf_db_t *
cf_db_new (cf_loop_t *loop, const char *url, size_t connections, cf_error_t *error)
{
    if (cf_db_wire_check (url, error))
        return NULL;
    cf_db_t *self = calloc (1, sizeof *self);
    if (!self)
        goto fail;
    self->loop = loop;
    self->patience_ms = CF_DB_PATIENCE_MS;
    self->wire_count = connections;
    if (!(self->url = strdup (url)) || !(self->wires = calloc (connections, sizeof *self->wires))
     || cf_loop_add_hook (loop, s_flush, self))
        goto fail;
    for (size_t at = 0; at < connections; at++)
        if (!(self->wires [at] = cf_db_wire_new (loop, url, CF_DB_SETTINGS, s_on_change, self)))
            goto fail;
    return self;
fail:
    cf_db_destroy (&self);
    cf_error_set (error, CF_ERROR_INTERNAL, "out of memory, or of end-of-turn hooks");
    return NULL;
}

void
cf_db_destroy (cf_db_t **self_p)
{
    cf_db_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t at = 0; self->wires && at < self->wire_count; at++)
        cf_db_wire_destroy (&self->wires [at]);
    cf_timer_clear (self->loop, &self->timer);
    cf_loop_remove_hook (self->loop, s_flush, self);
    while (self->spares) {
        flight_t *flight = self->spares;
        self->spares = flight->spare;
        free (flight);
    }
    free (self->wires);
    free (self->url);
    free (self);
}

bool
cf_db_is_up (const cf_db_t *self)
{
    for (size_t at = 0; at < self->wire_count; at++)
        if (cf_db_wire_is_up (self->wires [at]))
            return true;
    return false;
}

void
cf_db_set_patience (cf_db_t *self, uint64_t patience_ms)
{
    self->patience_ms = patience_ms;
}

cf_loop_t *
cf_db_loop (const cf_db_t *self)
{
    return self->loop;
}

const char *
cf_db_url (const cf_db_t *self)
{
    return self->url;
}

bool
cf_db_refused_with (const cf_error_t *error, const char *sqlstate)
{
    return error->code == CF_ERROR_DATABASE_REFUSED && !strncmp (error->text, sqlstate, strlen (sqlstate));
}
