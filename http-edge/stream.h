/* SPDX-License-Identifier: MPL-2.0 */
/*  stream - a job's events, pushed to one client for as long as both are there
 *
 *  A stream subscribes first and asks the ledger for what was before second, so that nothing falls between the two. An
 *  event is sent when its sequence number is the next one; where one is missing, the ledger is asked again. It holds no
 *  task while it is idle: a subscription, a timer and, while something is to be sent, two buffers.
 */
#ifndef CF_EDGE_STREAM_H
#define CF_EDGE_STREAM_H

#include "http-edge/request.h"

typedef struct {
    uint64_t after;             /* the last sequence number the client has */
    bool resume;                /* whether it has one */
    bool returns;               /* it says so in the header with which an EventSource comes back */
    bool tokens;                /* whether it wants the model's output, too */
} cf_stream_wish_t;

/*  Opens the stream of the request's job from within the request's task, or answers with what is in the way. */
void cf_stream_serve (cf_request_t *request, const cf_stream_wish_t *wish);
/*  Every stream asks the ledger what it missed. */
void cf_stream_catch_up_all (void);
/*  Ends all: their clients connect again, elsewhere, with the id of the last event they had. */
void cf_stream_end_all (void);

#endif
