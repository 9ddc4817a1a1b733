/* SPDX-License-Identifier: MPL-2.0 */
/*  calls - every call ends in exactly one REPLY or FAILED
 *
 *  A call waits in a queue (QUEUED), is worked on by a callee (FLYING), or has ended for its caller while the callee
 *  does not know yet (ENDED: it was told CANCEL and still owes its answer, so its credit is still in use). README.md
 *  has the state table. Calls that end normally leave nothing behind.
 */
#ifndef CF_BROKER_CALLS_H
#define CF_BROKER_CALLS_H

#include "broker/port.h"

#define CF_CALLS_MAX_DEADLINE_MS 3600000u       /* also for calls that name none */
#define CF_CALLS_MAX_WAITING_BYTES (256u << 20) /* of all queues together; beyond it BUSY */
#define CF_CALLS_FORGET_MS 60000u               /* a callee that never answers a CANCEL gets its credit back */

typedef struct cf_calls cf_calls_t;

/*  Arguments are borrowed. queue_max: calls that wait for one service; grace_ms: how long they wait for one that has
    no process. NULL when out of memory. */
cf_calls_t *cf_calls_new (cf_registry_t *registry, cf_port_t *port, cf_timers_t *timers, uint64_t queue_max, uint64_t grace_ms);
void cf_calls_destroy (cf_calls_t **self_p);

/*  CALL, REPLY or FAILED, CANCEL, as they came from peer. The body (NULL: none) may be taken. */
void cf_calls_request (cf_calls_t *self, cf_peer_t *peer, cf_envelope_t *envelope, zmq_msg_t *body);
void cf_calls_answer (cf_calls_t *self, cf_peer_t *peer, cf_envelope_t *envelope, zmq_msg_t *body);
void cf_calls_cancel (cf_calls_t *self, cf_peer_t *peer, cf_envelope_t *envelope);
/*  Tells a peer that a call of its did not even become one. */
void cf_calls_refuse (cf_calls_t *self, cf_peer_t *peer, const cf_envelope_t *envelope, cf_error_code_t code);

/*  The peer may take calls now (READY, or room in its pipe): hands over what waits for it. */
void cf_calls_serve (cf_calls_t *self, cf_peer_t *peer);
/*  A peer of service went away or says BYE: if it was the last one, what waits has the grace time left. */
void cf_calls_absent (cf_calls_t *self, cf_service_t *service);
/*  The connection is a new one: what was on its way to the peer may be lost, so its callers are told ACTOR_GONE, and
    the peer to CANCEL. */
void cf_calls_reconnected (cf_calls_t *self, cf_peer_t *peer);
/*  The peer is dead: what it works on ends in ACTOR_GONE, what it waits for is cancelled. */
void cf_calls_peer_gone (cf_calls_t *self, cf_peer_t *peer);

#endif
