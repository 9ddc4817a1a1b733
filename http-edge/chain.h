/* SPDX-License-Identifier: MPL-2.0 */
/*  chain - the order in which every request is judged; the first step that refuses answers, nothing later is looked at */
#ifndef CF_EDGE_CHAIN_H
#define CF_EDGE_CHAIN_H

#include "http-edge/auth.h"
#include "http-edge/request.h"

/*  auth is borrowed for the life of the process. */
void cf_chain_init (cf_auth_t *auth);
/*  Walks the chain. True where the request may be run; false where it has been answered. */
bool cf_chain_pass (cf_request_t *request);

#endif
