/* SPDX-License-Identifier: MPL-2.0 */
/*  connection - a client's socket from its acceptance to where h2o reads requests from it: counted, and over TLS after a handshake
 *  that has its time
 */
#ifndef CF_EDGE_CONNECTION_H
#define CF_EDGE_CONNECTION_H

#include <h2o.h>
#include <stdint.h>

/*  Takes an accepted socket and, after the handshake where accept has a context for it, gives it to h2o. on_end (arg) is called when it is closed. */
void cf_connection_open (h2o_accept_ctx_t *accept, h2o_socket_t *socket, void (*on_end) (void *arg), void *arg);
/*  Those that are open, also in a handshake. */
size_t cf_connection_count (void);
/*  Closes those whose handshake takes longer than timeout_ms (0: all in a handshake). */
void cf_connection_sweep (uint64_t timeout_ms);

#endif
