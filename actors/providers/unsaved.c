/* SPDX-License-Identifier: MPL-2.0 */
/*  unsaved - a hash by job and step; those that nobody holds also on a shelf, oldest first
 *
 *  An entry is HELD by the one task that gets it and puts it into the journal, KEPT while nobody does, and SAVED when that is done;
 *  taken off its shelf, or DROPPED, it is out of the hash and goes with the last task that looks at it.
 */

#include "actors/providers/unsaved.h"
#include "proto/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#define CF_UNSAVED_KEY_SIZE 320
#define CF_UNSAVED_KEY "%.40s %.256s"

typedef enum { HELD, KEPT, SAVED, DROPPED } state_t;

typedef struct waiter_t {
    struct waiter_t *prev, *next;
    cf_task_t *task;
} waiter_t;

struct cf_unsaved_t {
    UT_hash_handle hh;
    cf_unsaved_t *prev, *next;          /* on its shelf */
    char key [CF_UNSAVED_KEY_SIZE];
    state_t state;
    size_t users;                       /* the holder, those that wait or have woken, and the shelf of the saved */
    waiter_t *waiters;
    cf_answer_t answer;
    uint64_t until_ms;                  /* monotonic: kept so long */
    cf_loop_t *loop;
};

typedef struct {
    cf_unsaved_t *first;
    size_t count, bytes;
    const size_t max, max_bytes;
    const uint64_t max_ms;
    cf_timer_t timer;
} shelf_t;

static cf_unsaved_t *s_entries;
static shelf_t s_kept = { .max = CF_UNSAVED_MAX, .max_bytes = CF_UNSAVED_MAX_BYTES, .max_ms = CF_UNSAVED_MAX_MS };
static shelf_t s_saved = { .max = CF_UNSAVED_SAVED_MAX, .max_bytes = CF_UNSAVED_SAVED_MAX_BYTES, .max_ms = CF_UNSAVED_SAVED_MAX_MS };

void
cf_answer_free (cf_answer_t *answer)
{
    free (answer->text);
    answer->text = NULL;
}

const cf_answer_t *
cf_unsaved_answer (const cf_unsaved_t *self)
{
    return &self->answer;
}

bool
cf_unsaved_is_saved (const cf_unsaved_t *self)
{
    return self->state == SAVED;
}

size_t
cf_unsaved_count (void)
{
    return s_kept.count;
}

static size_t
s_bytes (const cf_unsaved_t *self)
{
    return sizeof *self + strlen (self->answer.text);
}

/*  A task looks at it no more. */
static void
s_let_go (cf_unsaved_t *self)
{
    if (--self->users > 0 || self->state == HELD || self->state == KEPT)
        return;
    cf_answer_free (&self->answer);
    free (self);
}

static void
s_unshelve (shelf_t *shelf, cf_unsaved_t *self)
{
    DL_DELETE (shelf->first, self);
    shelf->count--;
    shelf->bytes -= s_bytes (self);
}

/*  From now on the caller's. */
static void
s_unkeep (cf_unsaved_t *self)
{
    s_unshelve (&s_kept, self);
    self->state = HELD;
    self->users++;
}

static void
s_drop_oldest (shelf_t *shelf)
{
    cf_unsaved_t *oldest = shelf->first;
    if (shelf == &s_kept)
        s_unkeep (oldest);
    else
        s_unshelve (shelf, oldest);
    HASH_DEL (s_entries, oldest);
    if (shelf == &s_kept)
        oldest->state = DROPPED;
    s_let_go (oldest);
}

static void
s_on_timer (void *arg)
{
    shelf_t *shelf = arg;
    uint64_t now_ms = cf_clock_ms ();
    while (shelf->first && shelf->first->until_ms <= now_ms)
        s_drop_oldest (shelf);
    if (shelf->first)
        cf_timer_set (shelf->first->loop, &shelf->timer, shelf->first->until_ms - now_ms, s_on_timer, shelf);
}

static void
s_shelve (shelf_t *shelf, cf_unsaved_t *self)
{
    self->until_ms = cf_clock_ms () + shelf->max_ms;
    DL_APPEND (shelf->first, self);
    shelf->count++;
    shelf->bytes += s_bytes (self);
    if (shelf->first == self)
        cf_timer_set (self->loop, &shelf->timer, shelf->max_ms, s_on_timer, shelf);
    while (shelf->count > shelf->max || shelf->bytes > shelf->max_bytes)
        s_drop_oldest (shelf);
}

/*  Waits until the task that holds it has come to an end with it. */
static int
s_wait (cf_unsaved_t *self, cf_task_t *task, cf_error_t *error)
{
    waiter_t waiter = { .task = task };
    int rc = 0;
    DL_APPEND (self->waiters, &waiter);
    while (self->state == HELD && rc == 0)
        rc = cf_task_wait (task, error);
    DL_DELETE (self->waiters, &waiter);
    return rc;
}

int
cf_unsaved_take (cf_task_t *task, const char *job, const char *step, cf_unsaved_t **entry, cf_error_t *error)
{
    char key [CF_UNSAVED_KEY_SIZE];
    snprintf (key, sizeof key, CF_UNSAVED_KEY, job, step);
    for (;;) {
        cf_unsaved_t *found = NULL;
        *entry = NULL;
        HASH_FIND_STR (s_entries, key, found);
        if (!found)
            return 0;
        *entry = found;
        if (found->state == KEPT) {
            s_unkeep (found);
            return 0;
        }
        found->users++;
        int rc = s_wait (found, task, error);
        if (rc == 0 && found->state == SAVED)
            return 0;
        s_let_go (found);
        if (rc) {
            *entry = NULL;
            return -1;
        }
    }
}

cf_unsaved_t *
cf_unsaved_begin (cf_loop_t *loop, const char *job, const char *step)
{
    cf_unsaved_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();                       /* out of memory: the supervisor restarts the process */
    snprintf (self->key, sizeof self->key, CF_UNSAVED_KEY, job, step);
    self->loop = loop;
    self->state = HELD;
    self->users = 1;
    HASH_ADD_STR (s_entries, key, self);
    return self;
}

void
cf_unsaved_enter (cf_unsaved_t *self, cf_answer_t *answer)
{
    self->answer = *answer;
    answer->text = NULL;
}

void
cf_unsaved_end (cf_unsaved_t **self_p, cf_unsaved_end_t end)
{
    cf_unsaved_t *self = *self_p;
    *self_p = NULL;
    if (self->state == HELD) {
        waiter_t *waiter;
        self->state = end == CF_UNSAVED_KEEP? KEPT: end == CF_UNSAVED_SAVED? SAVED: DROPPED;
        if (self->state == DROPPED)
            HASH_DEL (s_entries, self);
        DL_FOREACH (self->waiters, waiter)
            cf_task_wake (waiter->task);
        if (self->state == KEPT)
            s_shelve (&s_kept, self);
        else if (self->state == SAVED) {
            self->users++;
            s_shelve (&s_saved, self);
        }
    }
    s_let_go (self);
}

void
cf_unsaved_free (void)
{
    while (s_kept.first)
        s_drop_oldest (&s_kept);
    while (s_saved.first)
        s_drop_oldest (&s_saved);
}
