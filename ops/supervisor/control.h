/* SPDX-License-Identifier: MPL-2.0 */
/*  control - how the commands talk to the supervisor: HOME/run/control.sock, a JSON object a line each way
 *
 *  {"command": "status"}                -> {"processes": […], "status", "simulated", "api", "pid"}
 *  {"command": "wait-ready"}            -> the same, once the start is over
 *  {"command": "restart", "name": "x"}  -> {"count": n}, or {"error": "a sentence"}
 *  {"command": "down"}                  -> {"status": "stopping"}; the connection ends when all has ended
 */
#ifndef CF_SUPERVISOR_CONTROL_H
#define CF_SUPERVISOR_CONTROL_H

#include "actors/lib/loop.h"
#include "proto/base/json.h"

typedef struct cf_control_t cf_control_t;

/*  Answers one request: a new object, or NULL where the client is to wait for cf_control_release. */
typedef cf_json_t *(cf_control_fn) (void *arg, const cf_json_t *request);

/*  Listens. NULL with error. */
cf_control_t *cf_control_new (cf_loop_t *loop, cf_control_fn *fn, void *arg, cf_error_t *error);
void cf_control_destroy (cf_control_t **self_p);
/*  Answers all who wait. Takes no reference. */
void cf_control_release (cf_control_t *self, const cf_json_t *answer);

/*  The other side. A connected descriptor, or -1 with a sentence where nothing is running. */
int cf_control_connect (cf_error_t *error);
/*  Sends a request and waits for its answer, for ever where timeout_ms is -1. NULL with error. Yours to json_decref. */
cf_json_t *cf_control_ask (int fd, const cf_json_t *request, int timeout_ms, cf_error_t *error);
/*  Waits until the supervisor has gone. 0, or -1 after timeout_ms. */
int cf_control_await_end (int fd, int timeout_ms);

#endif
