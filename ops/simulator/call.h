/* SPDX-License-Identifier: MPL-2.0 */
/*  call - one answer on its way: chunk by chunk in its time, cut short by faults or by the client's leaving */
#ifndef CF_SIMULATOR_CALL_H
#define CF_SIMULATOR_CALL_H

#include "ops/simulator/server.h"

typedef struct {
    const cf_format_t *format;
    cf_ask_t *ask;                      /* reference moves in; may be NULL */
    const cf_rendered_t *answer;        /* ask's, or own; NULL where the fault needs none */
    cf_rendered_t *own;                 /* moves in; may be NULL */
    cf_fate_t fate;
    bool streamed;
    uint64_t id;                        /* in the journal */
} cf_call_plan_t;

/*  Answers req as planned. */
void cf_call_start (cf_server_t *server, h2o_req_t *req, const cf_call_plan_t *plan);
/*  Fires the timers that are due; returns the microseconds until the next, UINT64_MAX where there is none. */
uint64_t cf_call_fire (cf_server_t *server);
/*  Handles what the watch has to tell. */
void cf_call_on_watch (cf_server_t *server);

#endif
