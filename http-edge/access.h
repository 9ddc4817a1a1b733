/* SPDX-License-Identifier: MPL-2.0 */
/*  access - one line in the log for each request that has ended, at level info; a stream's when it ends
 *
 *  Lines are gathered and written once a turn. They hold no query (tokens stand there), no header and no body.
 *  Routes exempt from the rate limit (probes) are logged at level debug only.
 */
#ifndef CF_EDGE_ACCESS_H
#define CF_EDGE_ACCESS_H

#include "actors/lib/loop.h"
#include "http-edge/request.h"

/*  process: its name in the lines. */
void cf_access_init (cf_loop_t *loop, const char *process);
/*  For a request whose h2o request is about to go. */
void cf_access_log (const cf_request_t *request);
/*  Writes what is gathered. */
void cf_access_flush (void);

#endif
