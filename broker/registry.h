/* SPDX-License-Identifier: MPL-2.0 */
/*  registry - who is there
 *
 *  Any message is a sign of life; a peer that is silent for three beats is doomed. The doomed are buried by the
 *  broker at the end of its turn, when all that they said before they died has been read.
 */
#ifndef CF_BROKER_REGISTRY_H
#define CF_BROKER_REGISTRY_H

#include "broker/peer.h"

#define CF_REGISTRY_MAX_PEERS 8192
#define CF_REGISTRY_MAX_CREDIT 1000000

typedef struct cf_registry cf_registry_t;

/*  timers are borrowed. NULL when out of memory. */
cf_registry_t *cf_registry_new (cf_timers_t *timers, uint32_t beat_ms);
void cf_registry_destroy (cf_registry_t **self_p);

/*  The peer of that name, a CF_PEER_STRANGER if it was not there. NULL where the table is full. */
cf_peer_t *cf_registry_meet (cf_registry_t *self, const char *name);
/*  Borrowed; NULL where it is not there or gone. */
cf_peer_t *cf_registry_lookup (cf_registry_t *self, const char *name);
/*  As above, but also one that is gone and whose calls have not all been answered yet. */
cf_peer_t *cf_registry_lookup_any (cf_registry_t *self, const char *name);
/*  HELLO: (again) a member of service, not ready yet. 0, or -1 when out of memory. */
int cf_registry_join (cf_registry_t *self, cf_peer_t *peer, const char *service, uint64_t credit);
void cf_registry_ready (cf_registry_t *self, cf_peer_t *peer);
void cf_registry_leave (cf_registry_t *self, cf_peer_t *peer);

/*  It is dead, or cannot be reached. Until it is buried nothing is sent to it. */
void cf_registry_doom (cf_registry_t *self, cf_peer_t *peer);
/*  The next one to be buried; NULL if none. */
cf_peer_t *cf_registry_doomed (cf_registry_t *self);
/*  Takes the peer out of its service and marks it CF_PEER_GONE. */
void cf_registry_bury (cf_registry_t *self, cf_peer_t *peer);
/*  Frees a gone peer that nothing refers to any more. */
void cf_registry_release (cf_registry_t *self, cf_peer_t *peer);
/*  The broker itself was stopped until now: silence up to now proves nothing. */
void cf_registry_forgive (cf_registry_t *self);

/*  Borrowed; NULL where nothing belongs to it. */
cf_service_t *cf_registry_service (cf_registry_t *self, const char *name);
/*  As above, made where it is missing. NULL when out of memory. */
cf_service_t *cf_registry_need (cf_registry_t *self, const char *name);
/*  Frees a service without peers and without queue. */
void cf_registry_drop (cf_registry_t *self, cf_service_t *service);
/*  Whether proto/actors.def has a row for it: it will be there, if it is not yet. */
bool cf_registry_is_known (const char *service);
/*  Whether text may be the name of a peer, a service (no dot) or a topic (star: may end in '*'). */
bool cf_registry_is_peer_name (const char *text, size_t size);
bool cf_registry_is_service_name (const char *text);
bool cf_registry_is_topic (const char *text, bool star);

#endif
