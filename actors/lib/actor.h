/* SPDX-License-Identifier: MPL-2.0 */
/*  actor - the life of a process on the bus: settings, loop, link, ready, drain, end
 *
 *  An actor's main is this, and no more:
 *
 *      s_self_t self = { 0 };
 *      cf_actor_t *actor = cf_actor_new (CF_ACTOR_BREAKER, s_handlers, COUNT, &self);
 *      … open what it owns …
 *      cf_actor_ready (actor);
 *      return cf_actor_run (&actor);
 */
#ifndef CF_LIB_ACTOR_H
#define CF_LIB_ACTOR_H

#include "actors/lib/call.h"
#include "actors/lib/event.h"
#include "actors/lib/serve.h"

typedef struct cf_actor_t cf_actor_t;

/*  Loads the settings (ends the process with CF_CONFIG_EXIT where they are wrong), makes loop and link, serves handlers. Never NULL:
    what cannot be had ends the process with a log line. */
cf_actor_t *cf_actor_new (cf_actor_id_t id, const cf_handler_t *handlers, size_t count, void *owner);
cf_loop_t *cf_actor_loop (cf_actor_t *self);
/*  Lets calls in and tells the supervisor (CF_READY_FD) once the broker knows. */
void cf_actor_ready (cf_actor_t *self);
/*  fn (owner) runs at TERM, before the drain: hand back what others should go on with. */
void cf_actor_on_stop (cf_actor_t *self, cf_loop_fn *fn, void *owner);
/*  fn (owner) runs after the drain, while loop and link are still there: free what stands on them. */
void cf_actor_on_end (cf_actor_t *self, cf_loop_fn *fn, void *owner);
/*  Runs until TERM or cf_actor_stop; then takes no more calls, lets those in work end (5 s), and frees everything
    but what the actor itself made. Returns the exit code. */
int cf_actor_run (cf_actor_t **self_p);
void cf_actor_stop (cf_actor_t *self, int exit_code);

/*  Says "ready" on CF_READY_FD with an optional text; for processes that are no actors. */
void cf_actor_notify_ready (const char *text);
/*  This process's number among those of its service, from CF_INSTANCE; 1 by default. */
unsigned cf_actor_instance (void);

#endif
