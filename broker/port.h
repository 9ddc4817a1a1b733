/* SPDX-License-Identifier: MPL-2.0 */
/*  port - the ROUTER socket: frames in, frames out, never waiting for anybody
 *
 *  What leaves is of three sorts. A call is *offered*: where the callee's pipe is full it stays in its queue. What
 *  ends a call or tells a peer what to do is *posted*: where the pipe is full it is kept, within a bound, and
 *  tried again. An event is *cast*: where the pipe is full it is dropped, and counted.
 */
#ifndef CF_BROKER_PORT_H
#define CF_BROKER_PORT_H

#include "broker/capture.h"
#include "broker/registry.h"

#define CF_PORT_MAX_BODY_BYTES (17 << 20)       /* a larger frame ends its sender's connection */
#define CF_PORT_MAX_PENDING 1000                /* posted messages kept for one peer */
#define CF_PORT_MAX_PENDING_BYTES (256u << 20)  /* and for all */
#define CF_PORT_RETRY_MS 10

typedef struct cf_port cf_port_t;

typedef struct {
    char from [CF_ENVELOPE_NAME_SIZE];  /* "": the routing id is no peer's name */
    zmq_msg_t envelope;
    zmq_msg_t body;                     /* may be taken (zmq_msg_move) */
    bool has_body;
    bool overlong;                      /* had more than two frames */
} cf_port_mail_t;

typedef enum { CF_PORT_SENT, CF_PORT_FULL, CF_PORT_GONE } cf_port_result_t;

/*  All arguments are borrowed; hwm is what one peer's pipe holds. NULL with error where the endpoint cannot be bound. */
cf_port_t *cf_port_new (void *context, const char *endpoint, int hwm, cf_registry_t *registry, cf_timers_t *timers,
                        cf_capture_t *capture, cf_error_t *error);
void cf_port_destroy (cf_port_t **self_p);
void *cf_port_socket (cf_port_t *self);
/*  Who is told that a peer which was full may have room again. */
void cf_port_on_room (cf_port_t *self, void (*on_room) (void *context, cf_peer_t *peer), void *context);

/*  Takes the next message, to be closed with cf_port_close. 0, or -1 where there is none now. */
int cf_port_receive (cf_port_t *self, cf_port_mail_t *mail);
void cf_port_close (cf_port_mail_t *mail);

/*  Offers a call. The body (NULL: none) is taken if it is sent. A peer that is gone is doomed, one that is full is
    marked so and tried again later (cf_port_on_room). */
cf_port_result_t cf_port_offer (cf_port_t *self, cf_peer_t *peer, const cf_envelope_t *envelope, zmq_msg_t *body);
/*  Posts; takes the body (NULL: none). */
void cf_port_post (cf_port_t *self, cf_peer_t *peer, const cf_envelope_t *envelope, zmq_msg_t *body);
/*  Posts a message of the broker's own: without body, fills in who says it to whom and when. */
void cf_port_say (cf_port_t *self, cf_peer_t *peer, cf_envelope_t *envelope);
/*  Casts copies of frames that others get too. */
void cf_port_cast (cf_port_t *self, cf_peer_t *peer, zmq_msg_t *frame, zmq_msg_t *body);
/*  Makes the frame of an envelope. 0, or -1 when out of memory. */
int cf_port_frame (cf_port_t *self, const cf_envelope_t *envelope, zmq_msg_t *frame);
/*  Shows a message to the capture socket, if anyone listens. */
void cf_port_show (cf_port_t *self, const cf_envelope_t *envelope, zmq_msg_t *body);
/*  Drops what is pending for a dead peer. */
void cf_port_forget (cf_port_t *self, cf_peer_t *peer);

/*  Moves the body to where it can stay: a small one received by ZeroMQ keeps the 8 KiB it came in with others alive. */
int cf_port_keep (zmq_msg_t *kept, zmq_msg_t *body);

#endif
