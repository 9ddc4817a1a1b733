/* SPDX-License-Identifier: MPL-2.0 */
/*  gate - one list in the order of arrival */

#include "actors/github/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct cf_gate_t {
    cf_gate_pass_t *passes;
    size_t max, count;                  /* that are in */
};

cf_gate_t *
cf_gate_new (size_t max)
{
    cf_gate_t *self = calloc (1, sizeof *self);
    if (self)
        self->max = max;
    return self;
}

void
cf_gate_destroy (cf_gate_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

/*  Whether nobody with that key came before pass (NULL: before anybody who comes now). */
static bool
s_is_first (const cf_gate_t *self, const char *key, const cf_gate_pass_t *pass)
{
    const cf_gate_pass_t *other;
    DL_FOREACH (self->passes, other) {
        if (other == pass)
            return true;
        if (strcmp (other->key, key) == 0)
            return false;
    }
    return true;
}

bool
cf_gate_is_busy (const cf_gate_t *self, const char *key)
{
    return self->count >= self->max || !s_is_first (self, key, NULL);
}

static void
s_admit (cf_gate_t *self)
{
    cf_gate_pass_t *pass;
    DL_FOREACH (self->passes, pass)
        if (!pass->in && self->count < self->max && s_is_first (self, pass->key, pass)) {
            pass->in = true;
            self->count++;
            cf_task_wake (pass->task);
        }
}

int
cf_gate_enter (cf_gate_t *self, cf_task_t *task, const char *key, cf_gate_pass_t *pass, cf_error_t *error)
{
    if (cf_task_wait_status (task, error))
        return -1;
    *pass = (cf_gate_pass_t) { .task = task, .in = !cf_gate_is_busy (self, key) };
    snprintf (pass->key, sizeof pass->key, "%s", key);
    DL_APPEND (self->passes, pass);
    self->count += pass->in;
    while (!pass->in)
        if (cf_task_wait (task, error)) {
            cf_gate_leave (self, pass);
            return -1;
        }
    return 0;
}

void
cf_gate_leave (cf_gate_t *self, cf_gate_pass_t *pass)
{
    if (!pass->task)
        return;
    DL_DELETE (self->passes, pass);
    self->count -= pass->in;
    pass->task = NULL;
    s_admit (self);
}
