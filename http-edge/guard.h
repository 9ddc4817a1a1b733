/* SPDX-License-Identifier: MPL-2.0 */
/*  guard - what h2o's HTTP/1 parser lets through and must not pass
 *
 *  It takes the first of two different Content-Lengths, and Content-Length together with Transfer-Encoding, without
 *  showing either to handlers: another server before or behind us could see other borders between requests
 *  (RFC 9112, section 11.2). The raw head is still in the connection's buffer when a handler is called.
 */
#ifndef CF_EDGE_GUARD_H
#define CF_EDGE_GUARD_H

#include <h2o.h>
#include <stdint.h>

#define CF_GUARD_HEAD_MAX 32768         /* bytes of request line and headers */

/*  Looks at a raw head, up to its empty line. NULL and *head_bytes, or why it is refused. */
const char *cf_guard_check (const char *bytes, size_t size, size_t *head_bytes);
/*  Cuts off clients that have begun a request and not finished its head and body within timeout_ms. */
void cf_guard_sweep (h2o_context_t *context, uint64_t timeout_ms);

#endif
