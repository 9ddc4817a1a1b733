/* SPDX-License-Identifier: MPL-2.0 */
/*  schema_format - by hand from the standards: RFC 9562, 3339, 5321, 3986
 *
 *  All of them are ASCII; a NUL inside a string ends every test with "no".
 */

#include "proto/schema_format.h"
#include "proto/base/uuid.h"

#include <arpa/inet.h>
#include <string.h>

#define EMAIL_MAX 254           /* RFC 5321 4.5.3.1, with erratum 1690 */
#define EMAIL_LOCAL_MAX 64
#define LABEL_MAX 63

static bool
s_digit (char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool
s_hex (char byte)
{
    return s_digit (byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static bool
s_alpha (char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool
s_among (char byte, const char *set)
{
    return byte && strchr (set, byte);
}

static bool
s_is_uuid (const char *text, size_t size)
{
    return size == 36 && cf_uuid_valid (text);
}

/*  Number made of exactly count digits at text, -1 if there are not so many. */
static int
s_number (const char *text, int count)
{
    int number = 0;
    for (int at = 0; at < count; at++) {
        if (!s_digit (text [at]))
            return -1;
        number = number * 10 + (text [at] - '0');
    }
    return number;
}

static bool
s_is_date (const char *text, size_t size)
{
    static const int days [] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (size != 10 || text [4] != '-' || text [7] != '-')
        return false;
    int year = s_number (text, 4);
    int month = s_number (text + 5, 2);
    int day = s_number (text + 8, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days [month - 1] + (month == 2 && leap);
}

/*  Minutes east of UTC in "Z" or "+hh:mm" that ends the text; false if it is neither. */
static bool
s_offset (const char *text, int *minutes)
{
    *minutes = 0;
    if ((text [0] == 'Z' || text [0] == 'z') && !text [1])
        return true;
    if (text [0] != '+' && text [0] != '-')
        return false;
    int hour = s_number (text + 1, 2);
    if (hour < 0 || hour > 23 || text [3] != ':')
        return false;
    int minute = s_number (text + 4, 2);
    if (minute < 0 || minute > 59 || text [6])
        return false;
    *minutes = (hour * 60 + minute) * (text [0] == '-'? -1: 1);
    return true;
}

static bool
s_is_date_time (const char *text, size_t size)
{
    if (size < 20 || strlen (text) != size || !s_is_date (text, 10) || (text [10] != 'T' && text [10] != 't'))
        return false;
    int hour = s_number (text + 11, 2);
    int minute = s_number (text + 14, 2);
    int second = s_number (text + 17, 2);
    if (text [13] != ':' || text [16] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59
        || second < 0 || second > 60)
        return false;
    const char *at = text + 19;
    if (*at == '.') {
        if (!s_digit (*++at))
            return false;
        while (s_digit (*at))
            at++;
    }
    int offset;
    if (!s_offset (at, &offset))
        return false;
    /* a leap second is the last of a day in UTC, wherever the clock hangs */
    int utc = (hour * 60 + minute - offset + 2 * 1440) % 1440;
    return second < 60 || utc == 1439;
}

/*  Dot-separated labels of letters, digits and inner hyphens. */
static bool
s_is_domain (const char *text, size_t size)
{
    size_t label = 0;
    for (size_t at = 0; at < size; at++) {
        if (text [at] == '.' || text [at] == '-') {
            bool last = at + 1 == size || text [at + 1] == '.';
            if (label == 0 || (text [at] == '-' && last))
                return false;
            label = text [at] == '.'? 0: label + 1;
        }
        else if (s_alpha (text [at]) || s_digit (text [at]))
            label++;
        else
            return false;
        if (label > LABEL_MAX)
            return false;
    }
    return label > 0;
}

static bool
s_is_address (int family, const char *text, size_t size)
{
    char copy [INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (size >= sizeof copy)
        return false;
    memcpy (copy, text, size);
    copy [size] = 0;
    return inet_pton (family, copy, &address) == 1;
}

static bool
s_is_local_part (const char *text, size_t size)
{
    if (size == 0 || size > EMAIL_LOCAL_MAX)
        return false;
    if (text [0] == '"') {
        if (size < 2 || text [size - 1] != '"')
            return false;
        for (size_t at = 1; at < size - 1; at++) {
            if (text [at] == '\\')
                at++;
            else if (text [at] == '"')
                return false;
            if (at >= size - 1 || text [at] < ' ' || text [at] > '~')
                return false;
        }
        return true;
    }
    for (size_t at = 0; at < size; at++) {
        bool dot = text [at] == '.';
        if (dot && (at == 0 || at + 1 == size || text [at + 1] == '.'))
            return false;
        if (!dot && !s_alpha (text [at]) && !s_digit (text [at]) && !s_among (text [at], "!#$%&'*+-/=?^_`{|}~"))
            return false;
    }
    return true;
}

static bool
s_is_email (const char *text, size_t size)
{
    const char *sign = strrchr (text, '@');
    if (!sign || size > EMAIL_MAX || strlen (text) != size || !s_is_local_part (text, (size_t) (sign - text)))
        return false;
    const char *domain = sign + 1;
    size_t rest = size - (size_t) (domain - text);
    if (rest > 2 && domain [0] == '[' && domain [rest - 1] == ']') {
        if (rest > 7 && strncmp (domain + 1, "IPv6:", 5) == 0)
            return s_is_address (AF_INET6, domain + 6, rest - 7);
        return s_is_address (AF_INET, domain + 1, rest - 2);
    }
    return s_is_domain (domain, rest);
}

/*  Whether bytes from start to end are unreserved, sub-delims, percent-encoded or in extra. */
static bool
s_is_uri_part (const char *start, const char *end, const char *extra)
{
    for (const char *at = start; at < end; at++) {
        if (*at == '%') {
            if (end - at < 3 || !s_hex (at [1]) || !s_hex (at [2]))
                return false;
            at += 2;
        }
        else if (!s_alpha (*at) && !s_digit (*at) && !s_among (*at, "-._~!$&'()*+,;=") && !s_among (*at, extra))
            return false;
    }
    return true;
}

/*  What stands in the brackets of an authority: an IPv6 address or "v", a version, ".", anything. */
static bool
s_is_ip_literal (const char *start, const char *end)
{
    if (start < end && (*start == 'v' || *start == 'V')) {
        const char *at = start + 1;
        while (at < end && s_hex (*at))
            at++;
        return at > start + 1 && at + 1 < end && *at == '.' && !memchr (at, '%', (size_t) (end - at))
            && s_is_uri_part (at + 1, end, ":");
    }
    return s_is_address (AF_INET6, start, (size_t) (end - start));
}

static bool
s_is_authority (const char *start, const char *end)
{
    const char *sign = memchr (start, '@', (size_t) (end - start));
    if (sign) {
        if (!s_is_uri_part (start, sign, ":"))
            return false;
        start = sign + 1;
    }
    const char *port;
    if (start < end && *start == '[') {
        const char *close = memchr (start, ']', (size_t) (end - start));
        if (!close || !s_is_ip_literal (start + 1, close))
            return false;
        port = close + 1;
        if (port < end && *port != ':')
            return false;
    }
    else {
        port = memchr (start, ':', (size_t) (end - start));
        if (!port)
            port = end;
        if (!s_is_uri_part (start, port, ""))
            return false;
    }
    for (port++; port < end; port++)
        if (!s_digit (*port))
            return false;
    return true;
}

static bool
s_is_uri (const char *text, size_t size)
{
    const char *end = text + size;
    const char *at = text;
    if (strlen (text) != size || !s_alpha (*at))
        return false;
    while (s_alpha (*at) || s_digit (*at) || s_among (*at, "+-."))
        at++;
    if (*at++ != ':')
        return false;
    const char *path = at;
    const char *path_end = at + strcspn (at, "?#");
    if (path [0] == '/' && path [1] == '/') {
        path = at + 2 + strcspn (at + 2, "/?#");
        if (!s_is_authority (at + 2, path))
            return false;
    }
    const char *query_end = path_end + strcspn (path_end, "#");
    return s_is_uri_part (path, path_end, ":@/")
        && (path_end == query_end || s_is_uri_part (path_end + 1, query_end, ":@/?"))
        && (query_end == end || s_is_uri_part (query_end + 1, end, ":@/?"));
}

cf_schema_format_fn *
cf_schema_format_lookup (const char *name)
{
    static const struct {
        const char *name;
        cf_schema_format_fn *test;
    } formats [] = {
        { "uuid", s_is_uuid }, { "date", s_is_date }, { "date-time", s_is_date_time }, { "email", s_is_email },
        { "uri", s_is_uri },
    };
    for (size_t at = 0; at < sizeof formats / sizeof formats [0]; at++)
        if (strcmp (name, formats [at].name) == 0)
            return formats [at].test;
    return NULL;
}
