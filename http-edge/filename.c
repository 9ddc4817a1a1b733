/* SPDX-License-Identifier: MPL-2.0 */
/*  filename - two names, the one for everybody and the one with all its characters */

#include "http-edge/filename.h"
#include "proto/base/slug.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/*  The character at *at, which is moved behind it. Malformed bytes are '-'. */
static uint32_t
s_point (const unsigned char **at)
{
    unsigned head = *(*at)++;
    if (head < 0x80)
        return head;
    int more = head >= 0xF0? 3: head >= 0xE0? 2: head >= 0xC2? 1: 0;
    uint32_t point = more? head & (0x3Fu >> more): '-';
    for (; more; more--) {
        if ((**at & 0xC0) != 0x80)
            return '-';
        point = point << 6 | (*(*at)++ & 0x3Fu);
    }
    return point;
}

/*  Controls, and what is invisible or turns the direction of the text. */
static bool
s_is_hidden (uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x200B && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E)
        || (point >= 0x2060 && point <= 0x206F) || point == 0x061C || point == 0xFEFF;
}

/*  Appends a character's UTF-8, percent-encoded where it is no attr-char (RFC 8187, section 3.2.1). */
static void
s_put_point (uint32_t point, cf_buf_t *out)
{
    unsigned char bytes [4];
    int size = point < 0x80? 1: point < 0x800? 2: point < 0x10000? 3: 4;
    for (int at = size - 1; at > 0; at--, point >>= 6)
        bytes [at] = (unsigned char) (0x80 | (point & 0x3F));
    bytes [0] = (unsigned char) (size == 1? point: (0xF00u >> size & 0xFF) | point);
    for (int at = 0; at < size; at++) {
        if (bytes [at] < 0x80 && (isalnum (bytes [at]) || strchr ("-._", bytes [at])))
            cf_buf_putc (out, (char) bytes [at]);
        else
            cf_buf_printf (out, "%%%02X", bytes [at]);
    }
}

/*  The title as a name. Dots and spaces at its ends are left out: some systems hide a file that begins with one, others drop the last. */
static void
s_put_whole (const char *title, cf_buf_t *out)
{
    uint32_t points [CF_FILENAME_POINTS];
    size_t count = 0, first = 0;
    for (const unsigned char *at = (const unsigned char *) title; *at && count < CF_FILENAME_POINTS;) {
        uint32_t point = s_point (&at);
        bool reserved = point < 0x80 && strchr ("/\\:*?\"<>|", (int) point);
        if (!s_is_hidden (point))
            points [count++] = reserved? '-': point;
    }
    while (count && (points [count - 1] == ' ' || points [count - 1] == '.'))
        count--;
    while (first < count && (points [first] == ' ' || points [first] == '.'))
        first++;
    while (first < count)
        s_put_point (points [first++], out);
}

void
cf_filename_put (const char *title, const char *extension, cf_buf_t *out)
{
    char slug [CF_SLUG_SIZE];
    bool plain = true;
    for (const char *at = title; *at; at++)
        plain &= (unsigned char) *at < 0x80;
    cf_buf_printf (out, "attachment; filename=\"%s%s\"", cf_slug_make (title, slug), extension);
    if (plain)
        return;
    cf_buf_puts (out, "; filename*=UTF-8''");
    s_put_whole (title, out);
    cf_buf_puts (out, extension);
}
