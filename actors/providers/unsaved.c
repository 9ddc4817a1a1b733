/* SPDX-License-Identifier: MPL-2.0 */
/*  unsaved - a hash by job and step; the kept ones also in a list, oldest first
 *
 *  An entry is HELD by the one task that puts it into the journal, KEPT while nobody does, and out of the hash once
 *  it is SAVED or DROPPED; then it goes with the last task that looks at it.
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
    cf_unsaved_t *prev, *next;          /* in the list of those kept */
    char key [CF_UNSAVED_KEY_SIZE];
    state_t state;
    size_t users;                       /* the holder, and those that wait or have woken */
    waiter_t *waiters;
    cf_answer_t answer;
    uint64_t until_ms;                  /* monotonic: kept so long */
    cf_loop_t *loop;
};

static cf_unsaved_t *s_entries, *s_kept;
static size_t s_kept_count, s_kept_bytes;
static cf_timer_t s_timer;

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
    return s_kept_count;
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
s_unkeep (cf_unsaved_t *self)
{
    DL_DELETE (s_kept, self);
    s_kept_count--;
    s_kept_bytes -= s_bytes (self);
    self->state = HELD;
    self->users++;
}

static void
s_drop_oldest (void)
{
    cf_unsaved_t *oldest = s_kept;
    s_unkeep (oldest);
    HASH_DEL (s_entries, oldest);
    oldest->state = DROPPED;
    s_let_go (oldest);
}

static void
s_on_timer (void *arg)
{
    (void) arg;
    uint64_t now_ms = cf_clock_ms ();
    while (s_kept && s_kept->until_ms <= now_ms)
        s_drop_oldest ();
    if (s_kept)
        cf_timer_set (s_kept->loop, &s_timer, s_kept->until_ms - now_ms, s_on_timer, NULL);
}

static void
s_keep (cf_unsaved_t *self)
{
    self->state = KEPT;
    self->until_ms = cf_clock_ms () + CF_UNSAVED_MAX_MS;
    DL_APPEND (s_kept, self);
    s_kept_count++;
    s_kept_bytes += s_bytes (self);
    if (s_kept == self)
        cf_timer_set (self->loop, &s_timer, CF_UNSAVED_MAX_MS, s_on_timer, NULL);
    while (s_kept_count > CF_UNSAVED_MAX || s_kept_bytes > CF_UNSAVED_MAX_BYTES)
        s_drop_oldest ();
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
cf_unsaved_new (cf_loop_t *loop, const char *job, const char *step, cf_answer_t *answer)
{
    cf_unsaved_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();                       /* out of memory: the supervisor restarts the process */
    snprintf (self->key, sizeof self->key, CF_UNSAVED_KEY, job, step);
    self->loop = loop;
    self->state = HELD;
    self->users = 1;
    self->answer = *answer;
    answer->text = NULL;
    HASH_ADD_STR (s_entries, key, self);
    return self;
}

void
cf_unsaved_end (cf_unsaved_t **self_p, cf_unsaved_end_t end)
{
    cf_unsaved_t *self = *self_p;
    *self_p = NULL;
    if (self->state == HELD) {
        if (end == CF_UNSAVED_KEEP)
            s_keep (self);
        else {
            HASH_DEL (s_entries, self);
            self->state = end == CF_UNSAVED_SAVED? SAVED: DROPPED;
        }
        waiter_t *waiter;
        DL_FOREACH (self->waiters, waiter)
            cf_task_wake (waiter->task);
    }
    s_let_go (self);
}

void
cf_unsaved_free (void)
{
    while (s_kept)
        s_drop_oldest ();
}
