/* SPDX-License-Identifier: MPL-2.0 */
/*  linger - lets a client whose body is refused read why
 *
 *  A connection that is closed with unread bytes is reset, and the reset overtakes the answer (RFC 9112, section 9.6).
 *  So a copy of its descriptor is kept for a while, and what still comes is read and thrown away.
 */
#ifndef CF_EDGE_LINGER_H
#define CF_EDGE_LINGER_H

#include "actors/lib/loop.h"

/*  Keeps the connection of fd after its owner's close: until the client closes, or for 2 s, or 32 MiB. */
void cf_linger_add (cf_loop_t *loop, int fd);
/*  The owner of fd has closed it: the client is told that nothing more comes, while what it still sends is read. */
void cf_linger_close (int fd);
/*  Closes all. */
void cf_linger_free (void);

#endif
