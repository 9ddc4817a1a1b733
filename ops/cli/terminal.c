/* SPDX-License-Identifier: MPL-2.0 */
/*  terminal - what the screen can do, and text that fits on it */

#include "ops/cli/terminal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool
cf_terminal_is (int fd)
{
    const char *term = getenv ("TERM");
    return isatty (fd) && term && *term && strcmp (term, "dumb") != 0;
}

bool
cf_terminal_coloured (int fd)
{
    const char *refused = getenv ("NO_COLOR");
    return cf_terminal_is (fd) && !(refused && *refused);
}

unsigned
cf_terminal_columns (int fd)
{
    struct winsize size;
    return ioctl (fd, TIOCGWINSZ, &size) == 0 && size.ws_col? size.ws_col: 80;
}

bool
cf_terminal_utf8 (void)
{
    static const char *const names [] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (int at = 0; at < 3; at++) {
        const char *value = getenv (names [at]);
        if (value && *value)
            return strcasestr (value, "UTF-8") || strcasestr (value, "UTF8");
    }
    return false;
}

/*  The code point at *at, which is moved behind it; malformed bytes become U+FFFD one by one. */
static uint32_t
s_next_point (const unsigned char **at)
{
    const unsigned char *bytes = *at;
    int more = *bytes < 0x80? 0: *bytes < 0xC2? -1: *bytes < 0xE0? 1: *bytes < 0xF0? 2: *bytes < 0xF5? 3: -1;
    uint32_t point = more <= 0? *bytes: *bytes & (0x3Fu >> more);
    *at = bytes + 1;
    if (more < 0)
        return 0xFFFD;
    for (int count = 1; count <= more; count++) {
        if ((bytes [count] & 0xC0) != 0x80)
            return 0xFFFD;
        point = point << 6 | (bytes [count] & 0x3F);
    }
    *at = bytes + 1 + more;
    return point;
}

/*  Cells a code point takes: none for combining marks and joiners, two for East Asian wide ones and emoji (a rough cut of
    Unicode's tables: an error costs a column, not more). */
static unsigned
s_width (uint32_t point)
{
    if ((point >= 0x300 && point < 0x370) || (point >= 0x200B && point <= 0x200F) || (point >= 0xFE00 && point < 0xFE10))
        return 0;
    return (point >= 0x1100 && point < 0x1160) || (point >= 0x2E80 && point < 0xA4D0) || (point >= 0xAC00 && point < 0xD7A4)
           || (point >= 0xF900 && point < 0xFB00) || (point >= 0xFE30 && point < 0xFE70) || (point >= 0xFF00 && point < 0xFF61)
           || (point >= 0x1F300 && point < 0x1FB00) || (point >= 0x20000 && point < 0x40000)? 2: 1;
}

unsigned
cf_terminal_put (cf_buf_t *out, const char *text, unsigned columns)
{
    const unsigned char *at = (const unsigned char *) text;
    unsigned used = 0;
    while (*at) {
        const unsigned char *start = at;
        uint32_t point = s_next_point (&at);
        unsigned width = s_width (point);
        bool control = point < 0x20 || (point >= 0x7F && point < 0xA0);
        if (used + width > columns)
            break;
        if (control)
            cf_buf_putc (out, ' ');
        else if (point == 0xFFFD)
            cf_buf_putc (out, '?');
        else
            cf_buf_append (out, start, (size_t) (at - start));
        used += width;
    }
    return used;
}

char *
cf_terminal_duration (unsigned long long ms, char *text, size_t size)
{
    unsigned long long seconds = ms / 1000;
    if (ms < 1000)
        snprintf (text, size, "%llu ms", ms);
    else if (seconds < 60)
        snprintf (text, size, "%llu.%llu s", seconds, ms % 1000 / 100);
    else if (seconds < 3600)
        snprintf (text, size, "%llu m %02llu s", seconds / 60, seconds % 60);
    else if (seconds < 86400)
        snprintf (text, size, "%llu h %02llu m", seconds / 3600, seconds / 60 % 60);
    else
        snprintf (text, size, "%llu d %02llu h", seconds / 86400, seconds / 3600 % 24);
    return text;
}
