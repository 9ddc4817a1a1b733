/* SPDX-License-Identifier: MPL-2.0 */
/*  server - h2o's HTTP/1.1 server with the runtime's loop inside it
 *
 *  HTTP/2 is off, h2c too: this h2o lacks the patch against rapid resets. Several processes share the port (SO_REUSEPORT).
 */
#ifndef CF_EDGE_SERVER_H
#define CF_EDGE_SERVER_H

#include "actors/lib/loop.h"
#include "proto/base/error.h"

#include <stdint.h>

typedef struct cf_server_t cf_server_t;

/*  loop is borrowed. NULL when out of memory or descriptors. */
cf_server_t *cf_server_new (cf_loop_t *loop);
/*  From now on connections are TLS with the certificate and key of these files. 0, or -1 with error (tls.h). */
int cf_server_secure (cf_server_t *self, const char *cert, const char *key, cf_error_t *error);
/*  Listens on an IPv4 address; port 0: any. 0 with the port in *bound, or -1 with error. */
int cf_server_listen (cf_server_t *self, const char *address, uint16_t port, uint16_t *bound, cf_error_t *error);
/*  Turns both loops until cf_server_stop, then drains: takes no more connections, ends streams, lets requests end (at
    most 4 s), and returns. */
void cf_server_run (cf_server_t *self);
void cf_server_stop (cf_server_t *self);

#endif
