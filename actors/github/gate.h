/* SPDX-License-Identifier: MPL-2.0 */
/*  gate - lets one export at a time write in the name of one account, and only so many in all
 *
 *  GitHub asks for requests that write to come one after the other. Which account it is, the token knows: users of ours may share one.
 */
#ifndef CF_GITHUB_GATE_H
#define CF_GITHUB_GATE_H

#include "actors/lib/task.h"

#define CF_GATE_KEY_SIZE 64

typedef struct cf_gate_t cf_gate_t;

/*  Whoever is in, or waits to be; lives on its task's stack between enter and leave. */
typedef struct cf_gate_pass_t {
    struct cf_gate_pass_t *prev, *next;
    char key [CF_GATE_KEY_SIZE];
    cf_task_t *task;
    bool in;
} cf_gate_pass_t;

/*  NULL when out of memory. */
cf_gate_t *cf_gate_new (size_t max);
void cf_gate_destroy (cf_gate_t **self_p);
/*  Whether enter would have to wait. */
bool cf_gate_is_busy (const cf_gate_t *self, const char *key);
/*  Waits for the turn, first come, first served. 0, then leave has to be called; -1 with error where the task is to end. */
int cf_gate_enter (cf_gate_t *self, cf_task_t *task, const char *key, cf_gate_pass_t *pass, cf_error_t *error);
/*  Safe on a zeroed pass, and twice. */
void cf_gate_leave (cf_gate_t *self, cf_gate_pass_t *pass);

#endif
