/* SPDX-License-Identifier: MPL-2.0 */
/*  connection - a client's socket from its acceptance to its end: counted, over TLS after a handshake that has its time, and with what
 *  h2o's parser will not take answered before h2o reads it
 *
 *  h2o answers a head that it cannot parse by itself, in plain text. So its way of reading a socket is led through ours, which looks at the
 *  head first. h2o sets its own again for each request of a connection, and gets ours again when the turn is over. (A broken head that came in
 *  one piece with a request before it is chain's: the answer to that request is the last one.)
 */
#ifndef CF_EDGE_CONNECTION_H
#define CF_EDGE_CONNECTION_H

#include "actors/lib/loop.h"

#include <h2o.h>
#include <stdint.h>

/*  Before the first connection: loop is where clients that are refused linger. */
void cf_connection_init (cf_loop_t *loop);
/*  Takes an accepted socket and, after the handshake where accept has a context for it, gives it to h2o. on_end (arg) is called when it is closed. */
void cf_connection_open (h2o_accept_ctx_t *accept, h2o_socket_t *socket, void (*on_end) (void *arg), void *arg);
/*  One of its requests is over: h2o reads the next one. */
void cf_connection_next (h2o_socket_t *socket);
/*  Once a turn, after h2o's: looks at the heads of those that h2o began to read meanwhile. */
void cf_connection_turn (void);
/*  Those that are open, also in a handshake. */
size_t cf_connection_count (void);
/*  Closes those whose handshake takes longer than timeout_ms (0: all in a handshake). */
void cf_connection_sweep (uint64_t timeout_ms);

#endif
