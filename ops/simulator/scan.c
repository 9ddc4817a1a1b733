/* SPDX-License-Identifier: MPL-2.0 */
/*  scan - a cursor over JSON text; strings are crossed eight bytes at a time */

#include "ops/simulator/scan.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define MAX_DEPTH 64

static bool
s_fail (cf_scan_t *self)
{
    self->bad = true;
    self->at = self->end;
    return false;
}

static void
s_space (cf_scan_t *self)
{
    while (self->at < self->end && (*self->at == ' ' || *self->at == '\n' || *self->at == '\r' || *self->at == '\t'))
        self->at++;
}

void
cf_scan_init (cf_scan_t *self, const char *text, size_t size)
{
    *self = (cf_scan_t) { .at = text, .end = text + size };
}

char
cf_scan_peek (cf_scan_t *self)
{
    s_space (self);
    if (self->at == self->end)
        return 0;
    return *self->at == '-' || isdigit ((unsigned char) *self->at)? '0': *self->at;
}

bool
cf_scan_enter (cf_scan_t *self, char bracket)
{
    if (self->bad || cf_scan_peek (self) != bracket)
        return false;
    self->at++;
    self->fresh = true;
    return true;
}

bool
cf_scan_next (cf_scan_t *self, cf_slice_t *key)
{
    char next = cf_scan_peek (self);
    if (self->bad || !next)
        return s_fail (self);
    if (next == (key? '}': ']')) {
        self->at++;
        self->fresh = false;
        return false;
    }
    if (!self->fresh) {
        if (next != ',')
            return s_fail (self);
        self->at++;
    }
    self->fresh = false;
    if (!key)
        return true;
    if (!cf_scan_string (self, key) || cf_scan_peek (self) != ':')
        return s_fail (self);
    self->at++;
    return true;
}

/*  Non-zero where one of eight bytes is a quote, a backslash or a control character. */
static uint64_t
s_special (const char *at)
{
    const uint64_t ones = UINT64_C (0x0101010101010101), highs = UINT64_C (0x8080808080808080);
    uint64_t word;
    memcpy (&word, at, sizeof word);
    uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
    return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((word - ones * 0x20) & ~word)) & highs;
}

static bool
s_escape (char letter)
{
    switch (letter) {
        case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': case 'u':
            return true;
        default:
            return false;
    }
}

bool
cf_scan_string (cf_scan_t *self, cf_slice_t *raw)
{
    if (self->bad || cf_scan_peek (self) != '"')
        return s_fail (self);
    const char *at = self->at + 1, *start = at;
    for (;;) {
        while (self->end - at >= 8 && !s_special (at))
            at += 8;
        if (at >= self->end || (unsigned char) *at < 0x20)
            return s_fail (self);
        if (*at == '"')
            break;
        if (*at == '\\' && (self->end - at < 2 || !s_escape (at [1])))
            return s_fail (self);
        at += *at == '\\'? 2: 1;
    }
    *raw = (cf_slice_t) { start, (size_t) (at - start) };
    self->at = at + 1;
    self->fresh = false;
    return true;
}

static bool
s_scalar (cf_scan_t *self)
{
    const char *start = self->at;
    while (self->at < self->end && (isalnum ((unsigned char) *self->at) || *self->at == '-' || *self->at == '+' || *self->at == '.'))
        self->at++;
    cf_slice_t word = { start, (size_t) (self->at - start) };
    bool number = word.size && (*start == '-' || isdigit ((unsigned char) *start)) && isdigit ((unsigned char) self->at [-1]);
    self->fresh = false;
    return number || cf_slice_is (word, "true") || cf_slice_is (word, "false") || cf_slice_is (word, "null")? true: s_fail (self);
}

bool
cf_scan_skip (cf_scan_t *self, cf_slice_t *value)
{
    uint64_t objects = 0;               /* one bit a level: is it an object? */
    unsigned depth = 0;
    cf_slice_t word;
    cf_scan_peek (self);
    const char *start = self->at;
    do {
        char next = cf_scan_peek (self);
        if (next == '{' || next == '[') {
            if (depth == MAX_DEPTH)
                return s_fail (self);
            objects = objects << 1 | (next == '{');
            depth++;
            cf_scan_enter (self, next);
        }
        else if (next == '"'? !cf_scan_string (self, &word): !s_scalar (self))
            return false;
        while (depth && !cf_scan_next (self, objects & 1? &word: NULL)) {
            if (self->bad)
                return false;
            objects >>= 1;
            depth--;
        }
    }
    while (depth);
    if (value)
        *value = (cf_slice_t) { start, (size_t) (self->at - start) };
    return !self->bad;
}

bool
cf_scan_done (cf_scan_t *self)
{
    return !self->bad && !cf_scan_peek (self);
}

static int
s_hex4 (const char *at, const char *end, uint32_t *point)
{
    *point = 0;
    if (end - at < 4)
        return -1;
    for (int digit = 0; digit < 4; digit++) {
        unsigned char byte = (unsigned char) at [digit];
        if (!isxdigit (byte))
            return -1;
        *point = *point << 4 | (uint32_t) (isdigit (byte)? byte - '0': (byte | 0x20) - 'a' + 10);
    }
    return 0;
}

static void
s_put_utf8 (cf_buf_t *out, uint32_t point)
{
    char bytes [4];
    size_t size = point < 0x80? 1: point < 0x800? 2: point < 0x10000? 3: 4;
    static const unsigned char lead [] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (size_t at = size; at > 1; at--) {
        bytes [at - 1] = (char) (0x80 | (point & 0x3F));
        point >>= 6;
    }
    bytes [0] = (char) (lead [size] | point);
    cf_buf_append (out, bytes, size);
}

/*  at stands behind \u; returns where the text goes on. Halves of a pair that stand alone become U+FFFD. */
static const char *
s_unescape_point (const char *at, const char *end, cf_buf_t *out)
{
    uint32_t point, low;
    if (s_hex4 (at, end, &point)) {
        s_put_utf8 (out, 0xFFFD);
        return at;
    }
    at += 4;
    if (point >= 0xD800 && point < 0xDC00 && end - at >= 6 && at [0] == '\\' && at [1] == 'u'
        && !s_hex4 (at + 2, end, &low) && low >= 0xDC00 && low < 0xE000) {
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        at += 6;
    }
    s_put_utf8 (out, (point >= 0xD800 && point < 0xE000) || !point? 0xFFFD: point);
    return at;
}

int
cf_scan_unescape (cf_slice_t raw, cf_buf_t *out)
{
    static const char letters [] = "bfnrt", bytes [] = "\b\f\n\r\t";
    const char *at = raw.text, *end = raw.text + raw.size;
    while (at < end) {
        const char *slash = memchr (at, '\\', (size_t) (end - at));
        size_t plain = (size_t) ((slash? slash: end) - at);
        cf_buf_append (out, at, plain);
        if (!slash || end - slash < 2)
            break;
        at = slash + 2;
        const char *letter = strchr (letters, slash [1]);
        if (slash [1] == 'u')
            at = s_unescape_point (at, end, out);
        else
            cf_buf_putc (out, letter && slash [1]? bytes [letter - letters]: slash [1]);
    }
    return out->overflowed? -1: 0;
}

bool
cf_scan_lookup (cf_slice_t object, const char *key, cf_slice_t *value)
{
    cf_scan_t scan;
    cf_slice_t name;
    cf_scan_init (&scan, object.text, object.size);
    if (!cf_scan_enter (&scan, '{'))
        return false;
    while (cf_scan_next (&scan, &name) && cf_scan_skip (&scan, value))
        if (cf_slice_is (name, key))
            return true;
    return false;
}

bool
cf_slice_is (cf_slice_t slice, const char *string)
{
    return strlen (string) == slice.size && !memcmp (slice.text, string, slice.size);
}

const char *
cf_slice_find (cf_slice_t hay, const char *needle)
{
    return hay.size? memmem (hay.text, hay.size, needle, strlen (needle)): NULL;
}
