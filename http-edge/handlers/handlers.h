/* SPDX-License-Identifier: MPL-2.0 */
/*  handlers - one function a row of routes.def: void cf_handle_<handler> (cf_request_t *)
 *
 *  It is called with a request that has passed the chain (chain.h) and answers it once, with a cf_reply_… of reply.h.
 */
#ifndef CF_HANDLERS_HANDLERS_H
#define CF_HANDLERS_HANDLERS_H

#include "http-edge/route.h"

#define ROUTE(method_, pattern_, access_, limit_, runs_, twin_, schema_, handler_, caption_) cf_route_fn cf_handle_##handler_;
#include "http-edge/routes.def"
#undef ROUTE

#endif
