/* SPDX-License-Identifier: MPL-2.0 */
/*  capture - a copy of every message, for as long as somebody listens
 *
 *  Listeners are SUB sockets that subscribe to everything; they get [envelope][body], and [envelope] alone where the
 *  message is one of those whose body is never captured. A slow listener loses copies, never the bus its time.
 *  While nobody listens the cost is one test of a bool a message.
 */
#ifndef CF_BROKER_CAPTURE_H
#define CF_BROKER_CAPTURE_H

#include "proto/envelope.h"

#include <zmq.h>

#define CF_CAPTURE_MAX_SECRETS 64       /* messages that may be named as captured without body */

typedef struct cf_capture cf_capture_t;

/*  without_body: ids of messages, "40,41" or "". NULL with error: INVALID for a list that is none, INTERNAL where
    the endpoint cannot be bound. */
cf_capture_t *cf_capture_new (void *context, const char *endpoint, const char *without_body, cf_error_t *error);
void cf_capture_destroy (cf_capture_t **self_p);
/*  To be polled for reading; then cf_capture_watch finds out who came and went. */
void *cf_capture_socket (cf_capture_t *self);
void cf_capture_watch (cf_capture_t *self);
bool cf_capture_is_on (const cf_capture_t *self);
/*  Copies a message; body may be NULL. Call it only while cf_capture_is_on. */
void cf_capture_put (cf_capture_t *self, const cf_envelope_t *envelope, zmq_msg_t *body);

#endif
