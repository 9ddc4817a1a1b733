/* SPDX-License-Identifier: MPL-2.0 */
/*  cookie - pairs between semicolons */

#include "http-edge/cookie.h"
#include "proto/base/uuid.h"

#include <string.h>

static bool
s_is_blank (char byte)
{
    return byte == ' ' || byte == '\t';
}

bool
cf_cookie_find (const char *header, size_t size, const char *name, const char **value, size_t *value_size)
{
    size_t name_size = strlen (name);
    const char *end = header + size;
    for (const char *at = header; at < end;) {
        const char *stop = memchr (at, ';', (size_t) (end - at));
        const char *next = stop? stop + 1: end;
        if (!stop)
            stop = end;
        while (at < stop && s_is_blank (*at))
            at++;
        while (stop > at && s_is_blank (stop [-1]))
            stop--;
        if ((size_t) (stop - at) > name_size && at [name_size] == '=' && memcmp (at, name, name_size) == 0) {
            *value = at + name_size + 1;
            *value_size = (size_t) (stop - *value);
            return true;
        }
        at = next;
    }
    return false;
}

char *
cf_cookie_csrf_new (char value [CF_COOKIE_CSRF_SIZE])
{
    /* drawn in advance: a system call for each request without the cookie would be felt */
    static unsigned char pool [4096];
    static size_t used = sizeof pool;
    if (used == sizeof pool) {
        cf_uuid_random (pool, sizeof pool);
        used = 0;
    }
    for (size_t at = 0; at < 32; at++) {
        unsigned char byte = pool [used];
        pool [used++] = 0;
        value [2 * at] = "0123456789abcdef" [byte >> 4];
        value [2 * at + 1] = "0123456789abcdef" [byte & 15];
    }
    value [64] = 0;
    return value;
}
