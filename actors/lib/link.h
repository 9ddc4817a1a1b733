/* SPDX-License-Identifier: MPL-2.0 */
/*  link - a process's one connection to the broker (libzmq's owner)
 *
 *  Owns:       a DEALER socket named service.instance.pid; membership (HELLO, READY, BEAT, BYE).
 *  Gives:      envelopes with their bodies to whoever listens for their kind: call.c, serve.c, event.c.
 *  Broker dead: it connects again by itself; every WELCOME makes it say HELLO and lets the listeners send
 *              again what is open. What could not be sent meanwhile is theirs to repeat.
 */
#ifndef CF_LIB_LINK_H
#define CF_LIB_LINK_H

#include "actors/lib/loop.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/envelope.h"
#include "proto/message.h"

typedef struct cf_link_t cf_link_t;
typedef struct cf_body_t cf_body_t;

/*  A body is counted: it is kept for a repetition while it is on its way. */
cf_body_t *cf_body_new (cf_message_id_t id, const void *fields);        /* NULL: out of memory, or over CF_CODEC_MAX_BYTES */
cf_body_t *cf_body_ref (cf_body_t *self);
void cf_body_unref (cf_body_t **self_p);                                /* NULL is fine */
size_t cf_body_size (const cf_body_t *self);                            /* in bytes; 0 for NULL */

/*  What came with an envelope; bytes are borrowed for the time of the call. */
typedef void (cf_link_fn) (void *arg, const cf_envelope_t *envelope, const void *bytes, size_t size);

/*  Connects to the broker of CODEFORGE_HOME; NULL with error. A process has one link: cf_link_here () is it. */
cf_link_t *cf_link_new (cf_loop_t *loop, const char *service, unsigned instance, uint32_t credit, cf_error_t *error);
void cf_link_destroy (cf_link_t **self_p);
cf_link_t *cf_link_here (void);
cf_loop_t *cf_link_loop (cf_link_t *self);
/*  This process's name on the bus. */
const char *cf_link_name (const cf_link_t *self);
/*  Whether the broker has been heard since the last connection. */
bool cf_link_joined (const cf_link_t *self);
/*  The broker's epoch, 0 before the first WELCOME. */
uint64_t cf_link_epoch (const cf_link_t *self);

/*  Lets calls in (now and after each WELCOME); then calls fn (arg) once, as soon as the broker knows. fn may be NULL. */
void cf_link_ready (cf_link_t *self, cf_loop_fn *fn, void *arg);
/*  Takes no more calls; those that were taken go on. */
void cf_link_bye (cf_link_t *self);

/*  One listener a kind, the last one given: CALL, CANCEL for serve.c; REPLY, FAILED for call.c; EVENT for event.c. */
void cf_link_listen (cf_link_t *self, cf_kind_t kind, cf_link_fn *fn, void *arg);
/*  Called after each HELLO, to send again what is open, once however often it was given; at most 8. */
void cf_link_on_joined (cf_link_t *self, cf_loop_fn *fn, void *arg);
void cf_link_off_joined (cf_link_t *self, cf_loop_fn *fn, void *arg);

/*  Sends envelope (from is filled in by the broker) with a body or NULL; does not take the body. 0, or -1 when there is no
    broker or its pipe is full. */
int cf_link_send (cf_link_t *self, const cf_envelope_t *envelope, cf_body_t *body);
/*  Tells the broker that a peer's process has ended (believed from the supervisor only). */
int cf_link_gone (cf_link_t *self, const char *peer);

#endif
