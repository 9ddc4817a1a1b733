/* SPDX-License-Identifier: MPL-2.0 */
/*  tls - how the edge speaks TLS, where TLS_CERT and TLS_KEY are set
 *
 *  TLS 1.2 and 1.3 with forward secrecy, HTTP/1.1 by name (ALPN), no renegotiation, no compression, no early data. Sessions are
 *  resumed from tickets, whose keys are random, of this process alone, and replaced before a day is over: another edge, or this one
 *  after its restart, shakes hands in full.
 */
#ifndef CF_EDGE_TLS_H
#define CF_EDGE_TLS_H

#include "actors/lib/loop.h"
#include "proto/base/error.h"

#include <openssl/ssl.h>

typedef struct cf_tls_t cf_tls_t;

/*  Loads both files; they are not looked at again. NULL with error, as cf_certificate_use. */
cf_tls_t *cf_tls_new (cf_loop_t *loop, const char *cert, const char *key, cf_error_t *error);
void cf_tls_destroy (cf_tls_t **self_p);
/*  Of this process's connections; borrowed. */
SSL_CTX *cf_tls_context (const cf_tls_t *self);

#endif
