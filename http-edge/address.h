/* SPDX-License-Identifier: MPL-2.0 */
/*  address - whose request it is, where no token says so: the client behind the proxies that are believed
 *
 *  X-Forwarded-For is anybody's to write. It is read from the right, where our own proxies append, and only as far as
 *  each hop is one of TRUSTED_PROXIES: the first that is not is the client.
 */
#ifndef CF_EDGE_ADDRESS_H
#define CF_EDGE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define CF_ADDRESS_RANGES 256           /* most of TRUSTED_PROXIES */
#define CF_ADDRESS_HOPS 32              /* of one X-Forwarded-For that are looked at */

/*  IPv4 as ::ffff:a.b.c.d. */
typedef struct {
    uint8_t bytes [16];
} cf_address_t;

/*  Takes a list of addresses and CIDR ranges, separated by commas. 0, or -1 where one of them is none. */
int cf_address_init (const char *trusted);
bool cf_address_is_trusted (const cf_address_t *address);
/*  Reads "a.b.c.d", "v6", either with a port ("a.b.c.d:80", "[v6]:80"). False where it is none. */
bool cf_address_parse (const char *text, size_t size, cf_address_t *out);
/*  The other end of a connection; ::  where it has no address. */
void cf_address_of (const struct sockaddr *peer, cf_address_t *out);
/*  Moves address, a hop that is known, to the client that the value of one X-Forwarded-For names through trusted hops.
    True where it has read the whole value, so that an earlier header may say more. */
bool cf_address_follow (const char *forwarded, size_t size, cf_address_t *address);
/*  Bytes that stand for the client in a limit: all of IPv4; the network of IPv6, of which one client has 2^64 addresses. */
size_t cf_address_key (const cf_address_t *address, const uint8_t **bytes);

#endif
