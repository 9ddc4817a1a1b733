/* SPDX-License-Identifier: MPL-2.0 */
/*  trace - traceparent, checked and made */

#include "proto/base/trace.h"
#include "proto/base/uuid.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*  Writes 2 * bytes digits and a NUL. Drawn in advance: a system call for each span would be felt. */
static void
s_hex (char *out, size_t bytes)
{
    static uint8_t pool [4096];
    static size_t used = sizeof pool;
    if (used + bytes > sizeof pool) {
        cf_uuid_random (pool, sizeof pool);
        used = 0;
    }
    uint8_t *random = pool + used;
    used += bytes;
    random [0] |= 1;            /* all zero is not a valid id */
    for (size_t at = 0; at < bytes; at++) {
        *out++ = "0123456789abcdef" [random [at] >> 4];
        *out++ = "0123456789abcdef" [random [at] & 15];
    }
    *out = 0;
}

char *
cf_trace_new (char out [CF_TRACE_SIZE])
{
    char trace [33], span [17];
    s_hex (trace, 16);
    s_hex (span, 8);
    snprintf (out, CF_TRACE_SIZE, "00-%s-%s-01", trace, span);
    return out;
}

static bool
s_is_id (const char *text, size_t size)
{
    bool any = false;
    for (size_t at = 0; at < size; at++) {
        if (!strchr ("0123456789abcdef", text [at]) || !text [at])
            return false;
        any = any || text [at] != '0';
    }
    return any;
}

bool
cf_trace_valid (const char *text)
{
    return text && strlen (text) == CF_TRACE_SIZE - 1 && memcmp (text, "00-", 3) == 0 && text [35] == '-' && text [52] == '-'
        && s_is_id (text + 3, 32) && s_is_id (text + 36, 16)
        && strspn (text + 53, "0123456789abcdef") == 2;
}

char *
cf_trace_child (const char *parent, char out [CF_TRACE_SIZE])
{
    if (!cf_trace_valid (parent))
        return cf_trace_new (out);
    char span [17];
    s_hex (span, 8);
    snprintf (out, CF_TRACE_SIZE, "%.35s-%s%s", parent, span, parent + 52);
    return out;
}
