/* SPDX-License-Identifier: MPL-2.0 */
/*  prefer - preferences between commas, the first of a name counts */

#include "http-edge/prefer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *
s_skip (const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/*  The digits of at, with or without quotes, up to a delimiter. */
static bool
s_seconds (const char *at, const char *end, uint32_t *seconds)
{
    bool quoted = at < end && *at == '"';
    uint32_t number = 0;
    const char *digit = at += quoted;
    for (; digit < end && isdigit ((unsigned char) *digit); digit++)
        if (number <= CF_PREFER_WAIT_MAX_S)
            number = number * 10 + (uint32_t) (*digit - '0');
    const char *stop = digit;
    if (quoted && (stop == end || *stop++ != '"'))
        return false;
    stop = s_skip (stop, end);
    if (digit == at || (stop < end && *stop != ',' && *stop != ';'))
        return false;
    *seconds = number < CF_PREFER_WAIT_MAX_S? number: CF_PREFER_WAIT_MAX_S;
    return true;
}

bool
cf_prefer_wait (const char *value, size_t size, uint32_t *seconds)
{
    const char *end = value + size;
    for (const char *at = value; at < end;) {
        at = s_skip (at, end);
        if (end - at > 4 && strncasecmp (at, "wait", 4) == 0) {
            const char *equals = s_skip (at + 4, end);
            if (equals < end && *equals == '=')
                return s_seconds (s_skip (equals + 1, end), end, seconds);
        }
        const char *comma = memchr (at, ',', (size_t) (end - at));
        at = comma? comma + 1: end;
    }
    return false;
}

bool
cf_prefer_async (const char *value, size_t size)
{
    static const char name [] = "respond-async";
    const char *end = value + size;
    for (const char *at = value; at < end;) {
        at = s_skip (at, end);
        const char *comma = memchr (at, ',', (size_t) (end - at)), *stop = comma? comma: end;
        if ((size_t) (stop - at) >= sizeof name - 1 && strncasecmp (at, name, sizeof name - 1) == 0) {
            const char *next = s_skip (at + sizeof name - 1, stop);
            if (next == stop || *next == ';')
                return true;
        }
        at = comma? comma + 1: end;
    }
    return false;
}
