/* SPDX-License-Identifier: MPL-2.0 */
/*  query - application/x-www-form-urlencoded (WHATWG URL), strictly */

#include "http-edge/query.h"
#include "http-edge/reply.h"
#include "proto/schema_format.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
s_hex (char byte)
{
    if (!isxdigit ((unsigned char) byte))
        return -1;
    return isdigit ((unsigned char) byte)? byte - '0': (byte | 32) - 'a' + 10;
}

bool
cf_query_decode (const char *bytes, size_t size, bool plus, char *out, size_t out_size)
{
    size_t filled = 0;
    for (size_t at = 0; at < size; at++) {
        char byte = bytes [at];
        if (byte == '%') {
            int high = size - at < 3? -1: s_hex (bytes [at + 1]), low = size - at < 3? -1: s_hex (bytes [at + 2]);
            if (high < 0 || low < 0)
                return false;
            byte = (char) (high * 16 + low);
            at += 2;
        }
        else if (byte == '+' && plus)
            byte = ' ';
        if (!byte || filled + 1 >= out_size)
            return false;
        out [filled++] = byte;
    }
    out [filled] = 0;
    return true;
}

int
cf_query_find (const char *query, size_t size, const char *name, char *out, size_t out_size, const char **reason)
{
    int found = 0;
    const char *end = query + size;
    for (const char *at = query; at < end;) {
        const char *stop = memchr (at, '&', (size_t) (end - at));
        if (!stop)
            stop = end;
        const char *equals = memchr (at, '=', (size_t) (stop - at));
        const char *key_end = equals? equals: stop;
        char key [64];
        if (cf_query_decode (at, (size_t) (key_end - at), true, key, sizeof key) && strcmp (key, name) == 0) {
            const char *value = equals? equals + 1: stop;
            if (found++) {
                *reason = "is given twice";
                return -1;
            }
            if (!cf_query_decode (value, (size_t) (stop - value), true, out, out_size)) {
                *reason = "is malformed or too long";
                return -1;
            }
        }
        at = stop + 1;
    }
    return found;
}

/*  1 with the value in out, 0 where it is absent, -1 after having answered the request. */
static int
s_get (cf_request_t *request, const char *name, char *out, size_t out_size)
{
    h2o_iovec_t query = cf_request_query (request);
    const char *reason = NULL;
    int found = query.base? cf_query_find (query.base, query.len, name, out, out_size, &reason): 0;
    if (found < 0)
        cf_reply_refused (request, name, reason);
    return found;
}

bool
cf_query_text (cf_request_t *request, const char *name, const char *fallback, char *out, size_t out_size)
{
    int found = s_get (request, name, out, out_size);
    if (!found)
        snprintf (out, out_size, "%s", fallback);
    return found >= 0;
}

bool
cf_query_number (cf_request_t *request, const char *name, uint32_t least, uint32_t most, uint32_t fallback, uint32_t *out)
{
    char text [16], reason [80];
    *out = fallback;
    int found = s_get (request, name, text, sizeof text);
    if (found <= 0)
        return found == 0;
    unsigned long long number = strtoull (text, NULL, 10);
    if (*text && strspn (text, "0123456789") == strlen (text) && number >= least && number <= most) {
        *out = (uint32_t) number;
        return true;
    }
    snprintf (reason, sizeof reason, "must be a whole number from %u to %u", least, most);
    cf_reply_refused (request, name, reason);
    return false;
}

bool
cf_query_choice (cf_request_t *request, const char *name, const char *choices, char *out, size_t out_size)
{
    int found = s_get (request, name, out, out_size);
    if (found <= 0) {
        *out = 0;
        return found == 0;
    }
    size_t length = strlen (out);
    for (const char *at = choices; *at;) {
        size_t size = strcspn (at, "|");
        if (size == length && memcmp (at, out, size) == 0)
            return true;
        at += size + (at [size] == '|');
    }
    char reason [160];
    snprintf (reason, sizeof reason, "must be one of %s", choices);
    cf_reply_refused (request, name, reason);
    return false;
}

bool
cf_query_page (cf_request_t *request, uint32_t most, uint32_t *page, uint32_t *page_size)
{
    return cf_query_number (request, "page", 1, 1000000, 1, page) && cf_query_number (request, "page_size", 1, most, 20, page_size);
}

/*  A text of one of the formats of schemas. */
static bool
s_format (cf_request_t *request, const char *name, const char *format, const char *reason, char *out, size_t out_size)
{
    int found = s_get (request, name, out, out_size);
    if (found <= 0) {
        *out = 0;
        return found == 0;
    }
    if (cf_schema_format_lookup (format) (out, strlen (out)))
        return true;
    cf_reply_refused (request, name, reason);
    return false;
}

bool
cf_query_uuid (cf_request_t *request, const char *name, char out [CF_UUID_SIZE])
{
    char text [CF_UUID_SIZE];
    bool good = s_format (request, name, "uuid", "must be a UUID", text, sizeof text);
    cf_uuid_parse (good? text: "", out);
    return good;
}

bool
cf_query_date (cf_request_t *request, const char *name, char *out, size_t out_size)
{
    return s_format (request, name, "date", "must be a day like 2026-01-31", out, out_size);
}

static bool
s_is_dots (const char *segment, size_t size)
{
    return (size == 1 && segment [0] == '.') || (size == 2 && segment [0] == '.' && segment [1] == '.');
}

const char *
cf_query_path_fault (const char *path)
{
    if (!*path)
        return "is empty";
    if (strspn (path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.-") < strlen (path))
        return "may hold only letters, digits, and / _ . -";
    unsigned depth = 0;
    for (const char *at = path;; depth++) {
        size_t size = strcspn (at, "/");
        if (!size)
            return "must not begin or end with /, nor hold //";
        if (s_is_dots (at, size))
            return "must not hold . or .. as a segment";
        if (!at [size])
            break;
        at += size + 1;
    }
    if (depth && strncmp (path, "src/", 4) != 0 && strncmp (path, "public/", 7) != 0 && strncmp (path, "tests/", 6) != 0)
        return "must start with src/ (or public/, tests/, or stand at the root)";
    return NULL;
}
