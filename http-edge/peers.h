/* SPDX-License-Identifier: MPL-2.0 */
/*  peers - what the edge knows of the others, from events alone: who is ready, breakers, database, broker
 *
 *  Everything is in memory, so that answering how the system is costs no message, however often it is asked. The broker
 *  is known to live by an event that the edge sends itself once a second.
 */
#ifndef CF_EDGE_PEERS_H
#define CF_EDGE_PEERS_H

#include "actors/lib/loop.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { CF_PEERS_OK, CF_PEERS_DEGRADED, CF_PEERS_DOWN } cf_peers_state_t;

/*  Subscribes on the process's link. */
void cf_peers_init (cf_loop_t *loop);
void cf_peers_free (void);
/*  Live processes of a service that take calls. */
unsigned cf_peers_ready (const char *service);
bool cf_peers_database_up (void);
cf_peers_state_t cf_peers_broker (void);
/*  "closed", "open", "half_open", or NULL where the breaker has said nothing of the provider. */
const char *cf_peers_breaker (const char *provider);
/*  Grows with every change of what the functions above say. */
uint64_t cf_peers_version (void);
/*  Calls fn (arg) once, when the broker has brought the first of our own events, and so, before it, everything that the
    functions above speak of. */
void cf_peers_on_known (cf_loop_fn *fn, void *arg);
/*  Calls fn (arg) when events may have been lost: the broker is another, or the ledger's process has started anew. */
void cf_peers_on_lost (cf_loop_fn *fn, void *arg);

#endif
