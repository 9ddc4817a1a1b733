/* SPDX-License-Identifier: MPL-2.0 */
/*  address - all as 16 bytes, so that one comparison of bits serves both families */

#include "http-edge/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    cf_address_t base;
    unsigned bits;                      /* that must be equal, of 128 */
} range_t;

static range_t s_ranges [CF_ADDRESS_RANGES];
static size_t s_count;

static const uint8_t s_mapped [12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };

static bool
s_is_v4 (const cf_address_t *address)
{
    return memcmp (address->bytes, s_mapped, sizeof s_mapped) == 0;
}

/*  One address without a port. */
static bool
s_parse (const char *text, size_t size, cf_address_t *out)
{
    char copy [INET6_ADDRSTRLEN];
    if (!size || size >= sizeof copy)
        return false;
    memcpy (copy, text, size);
    copy [size] = 0;
    memcpy (out->bytes, s_mapped, sizeof s_mapped);
    return inet_pton (AF_INET, copy, out->bytes + sizeof s_mapped) == 1 || inet_pton (AF_INET6, copy, out->bytes) == 1;
}

static bool
s_is_port (const char *text, size_t size)
{
    if (!size || size > 5)
        return false;
    for (size_t at = 0; at < size; at++)
        if (text [at] < '0' || text [at] > '9')
            return false;
    return true;
}

bool
cf_address_parse (const char *text, size_t size, cf_address_t *out)
{
    if (size && *text == '[') {
        const char *end = memchr (text, ']', size);
        size_t rest = end? size - (size_t) (end + 1 - text): 0;
        if (!end || (rest && (end [1] != ':' || !s_is_port (end + 2, rest - 1))))
            return false;
        return memchr (text, ':', (size_t) (end - text)) && s_parse (text + 1, (size_t) (end - text - 1), out);
    }
    const char *colon = memchr (text, ':', size);
    const char *second = colon? memchr (colon + 1, ':', size - (size_t) (colon + 1 - text)): NULL;
    if (colon && !second && s_is_port (colon + 1, size - (size_t) (colon + 1 - text)))
        size = (size_t) (colon - text);
    return s_parse (text, size, out);
}

/* ---- who is believed ---- */

static bool
s_take_range (const char *text, size_t size)
{
    const char *slash = memchr (text, '/', size);
    range_t *range = &s_ranges [s_count];
    if (s_count == CF_ADDRESS_RANGES || !s_parse (text, slash? (size_t) (slash - text): size, &range->base))
        return false;
    unsigned most = s_is_v4 (&range->base) && !memchr (text, ':', size)? 32: 128;
    unsigned bits = most;
    if (slash) {
        size_t digits = size - (size_t) (slash + 1 - text);
        if (digits > 3 || !s_is_port (slash + 1, digits) || (bits = (unsigned) atoi (slash + 1)) > most)
            return false;
    }
    range->bits = bits + 128 - most;
    s_count++;
    return true;
}

int
cf_address_init (const char *trusted)
{
    s_count = 0;
    for (const char *at = trusted + strspn (trusted, ", \t"); *at; at += strspn (at, ", \t")) {
        size_t size = strcspn (at, ", \t");
        if (!s_take_range (at, size))
            return -1;
        at += size;
    }
    return 0;
}

static bool
s_contains (const range_t *range, const cf_address_t *address)
{
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp (range->base.bytes, address->bytes, whole))
        return false;
    return !rest || ((range->base.bytes [whole] ^ address->bytes [whole]) & (0xFF00u >> rest) & 0xFFu) == 0;
}

bool
cf_address_is_trusted (const cf_address_t *address)
{
    for (size_t at = 0; at < s_count; at++)
        if (s_contains (&s_ranges [at], address))
            return true;
    return false;
}

/* ---- who asks ---- */

void
cf_address_of (const struct sockaddr *peer, cf_address_t *out)
{
    memset (out, 0, sizeof *out);
    if (peer->sa_family == AF_INET) {
        memcpy (out->bytes, s_mapped, sizeof s_mapped);
        memcpy (out->bytes + sizeof s_mapped, &((const struct sockaddr_in *) (const void *) peer)->sin_addr, 4);
    }
    else if (peer->sa_family == AF_INET6)
        memcpy (out->bytes, &((const struct sockaddr_in6 *) (const void *) peer)->sin6_addr, 16);
}

bool
cf_address_follow (const char *forwarded, size_t size, cf_address_t *address)
{
    const char *end = forwarded + size;
    for (unsigned hops = 0; hops < CF_ADDRESS_HOPS && cf_address_is_trusted (address); hops++) {
        const char *start = end;
        while (start > forwarded && start [-1] != ',')
            start--;
        const char *from = start, *to = end;
        while (from < to && (*from == ' ' || *from == '\t'))
            from++;
        while (to > from && (to [-1] == ' ' || to [-1] == '\t'))
            to--;
        cf_address_t hop;
        if (!cf_address_parse (from, (size_t) (to - from), &hop))
            return false;               /* nothing further left can be believed */
        *address = hop;
        if (start == forwarded)
            return true;
        end = start - 1;
    }
    return false;
}

size_t
cf_address_key (const cf_address_t *address, const uint8_t **bytes)
{
    *bytes = s_is_v4 (address)? address->bytes + sizeof s_mapped: address->bytes;
    return s_is_v4 (address)? 4: 8;
}
