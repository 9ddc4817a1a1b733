/* SPDX-License-Identifier: MPL-2.0 */
/*  chain - the order in which every request is judged; the first step that refuses answers, nothing later is looked at */
#ifndef CF_EDGE_CHAIN_H
#define CF_EDGE_CHAIN_H

#include "http-edge/auth.h"
#include "http-edge/limiter.h"
#include "http-edge/request.h"

/*  All are borrowed for the life of the process; jwks may be NULL. */
void cf_chain_init (cf_auth_t *auth, cf_jwks_t *jwks, cf_limiter_t *limiter);
/*  Walks the chain. True where the request may be run; false where it has been answered, or will be. */
bool cf_chain_pass (cf_request_t *request);

#endif
