/* SPDX-License-Identifier: MPL-2.0 */
/*  notify - what the supervisor and the broker tell each other */
#ifndef CF_SUPERVISOR_NOTIFY_H
#define CF_SUPERVISOR_NOTIFY_H

#include "actors/lib/loop.h"
#include "proto/base/error.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct cf_notify_t cf_notify_t;

/*  The broker has lost sight of a peer: name as in the plan ("edge.1") and its process id. */
typedef void (cf_notify_lost_fn) (void *arg, const char *name, pid_t pid);

/*  Joins the bus. on_joined is called each time a broker was found, which then knows nothing yet. NULL with error. */
cf_notify_t *cf_notify_new (cf_loop_t *loop, cf_notify_lost_fn *on_lost, cf_loop_fn *on_joined, void *arg, cf_error_t *error);
void cf_notify_destroy (cf_notify_t **self_p);
/*  The process has ended: the broker fails its calls at once. */
void cf_notify_gone (cf_notify_t *self, const char *name, pid_t pid);
/*  Publishes state.process.NAME. */
void cf_notify_state (cf_notify_t *self, const char *name, bool ready);

#endif
