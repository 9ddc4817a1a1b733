/* SPDX-License-Identifier: MPL-2.0 */
/*  scan - one pass; a value that is passed over is walked with a counter of its depth, never by recursion */

#include "actors/providers/scan.h"

#include <string.h>

#define CF_SCAN_MAX_DEPTH 64            /* of a value that is passed over: a bit each in a word */

static void
s_spaces (cf_scan_t *self)
{
    while (self->at < self->end && (*self->at == ' ' || *self->at == '\n' || *self->at == '\r' || *self->at == '\t'))
        self->at++;
}

static bool
s_fail (cf_scan_t *self)
{
    self->bad = true;
    self->at = self->end;
    return false;
}

/*  Next byte that is not white space, 0 at the end. */
static char
s_peek (cf_scan_t *self)
{
    s_spaces (self);
    return self->at < self->end? *self->at: 0;
}

static bool
s_expect (cf_scan_t *self, char byte)
{
    if (s_peek (self) != byte)
        return s_fail (self);
    self->at++;
    return true;
}

void
cf_scan_init (cf_scan_t *self, const char *text, size_t size)
{
    const char *start = text? text: "";
    *self = (cf_scan_t) { .at = start, .end = start + size };
}

/* ---- passing over ---- */

static bool
s_string (cf_scan_t *self)
{
    for (const char *at = self->at + 1; (at = memchr (at, '"', (size_t) (self->end - at))); at++) {
        const char *slash = at;
        while (slash [-1] == '\\')      /* the opening quote ends this */
            slash--;
        if ((at - slash) % 2 == 0) {
            self->at = at + 1;
            return true;
        }
    }
    return s_fail (self);
}

static size_t
s_digits (cf_scan_t *self)
{
    const char *from = self->at;
    while (self->at < self->end && *self->at >= '0' && *self->at <= '9')
        self->at++;
    return (size_t) (self->at - from);
}

static bool
s_number (cf_scan_t *self)
{
    if (*self->at == '-')
        self->at++;
    bool zero = self->at < self->end && *self->at == '0';
    size_t digits = s_digits (self);
    if (digits == 0 || (zero && digits > 1))
        return s_fail (self);
    if (self->at < self->end && *self->at == '.') {
        self->at++;
        if (s_digits (self) == 0)
            return s_fail (self);
    }
    if (self->at < self->end && (*self->at == 'e' || *self->at == 'E')) {
        self->at++;
        if (self->at < self->end && (*self->at == '+' || *self->at == '-'))
            self->at++;
        if (s_digits (self) == 0)
            return s_fail (self);
    }
    return true;
}

static bool
s_literal (cf_scan_t *self, const char *literal)
{
    size_t size = strlen (literal);
    if ((size_t) (self->end - self->at) < size || memcmp (self->at, literal, size) != 0)
        return s_fail (self);
    self->at += size;
    return true;
}

static bool
s_scalar (cf_scan_t *self)
{
    switch (s_peek (self)) {
        case '"': return s_string (self);
        case 't': return s_literal (self, "true");
        case 'f': return s_literal (self, "false");
        case 'n': return s_literal (self, "null");
        case '-': case '0': case '1': case '2': case '3': case '4':
        case '5': case '6': case '7': case '8': case '9':
            return s_number (self);
        default:
            return s_fail (self);
    }
}

static bool
s_key (cf_scan_t *self)
{
    return s_peek (self) == '"'? s_string (self) && s_expect (self, ':'): s_fail (self);
}

/*  Passes over an object or array; objects is a stack of bits that says which of the open brackets are braces. */
static bool
s_nested (cf_scan_t *self)
{
    uint64_t objects = 0;
    unsigned depth = 0;
    do {
        char byte = s_peek (self);
        if (byte == '{' || byte == '[') {
            if (depth++ == CF_SCAN_MAX_DEPTH)
                return s_fail (self);
            objects = objects << 1 | (byte == '{');
            self->at++;
            char next = s_peek (self);
            if (next != (byte == '{'? '}': ']')) {
                if (byte == '{' && !s_key (self))
                    return false;
                continue;
            }
        }
        else if (!s_scalar (self))
            return false;
        while (depth > 0 && s_peek (self) == (objects & 1? '}': ']')) {
            self->at++;
            depth--;
            objects >>= 1;
        }
        if (depth > 0 && (!s_expect (self, ',') || (objects & 1 && !s_key (self))))
            return false;
    } while (depth > 0);
    return true;
}

cf_slice_t
cf_scan_skip (cf_scan_t *self)
{
    char byte = s_peek (self);
    const char *from = self->at;
    bool good = byte == '{' || byte == '['? s_nested (self): s_scalar (self);
    return good? (cf_slice_t) { from, (size_t) (self->at - from) }: (cf_slice_t) { NULL, 0 };
}

/* ---- going in ---- */

bool
cf_scan_enter (cf_scan_t *self, char bracket)
{
    if (s_peek (self) != bracket)
        return false;
    self->at++;
    self->first = true;
    return true;
}

/*  To the next member, past its comma; false past the closing bracket. */
static bool
s_next (cf_scan_t *self, char closing)
{
    bool first = self->first;
    self->first = false;
    if (self->bad)
        return false;
    if (s_peek (self) == closing) {
        self->at++;
        return false;
    }
    return first || s_expect (self, ',');
}

bool
cf_scan_member (cf_scan_t *self, cf_slice_t *key)
{
    if (!s_next (self, '}'))
        return false;
    s_spaces (self);
    const char *from = self->at;
    if (self->at == self->end || *self->at != '"')
        return s_fail (self);
    if (!s_string (self))
        return false;
    *key = (cf_slice_t) { from, (size_t) (self->at - from) };
    return s_expect (self, ':');
}

bool
cf_scan_item (cf_scan_t *self)
{
    return s_next (self, ']');
}

bool
cf_scan_done (cf_scan_t *self)
{
    s_spaces (self);
    return !self->bad && self->at == self->end;
}

/* ---- slices ---- */

bool
cf_slice_is (cf_slice_t slice, const char *literal)
{
    size_t size = strlen (literal);
    return slice.size == size + 2 && *slice.text == '"' && memcmp (slice.text + 1, literal, size) == 0;
}

uint32_t
cf_slice_u32 (cf_slice_t slice, uint32_t fallback)
{
    uint64_t number = 0;
    for (size_t at = 0; at < slice.size; at++) {
        if (slice.text [at] < '0' || slice.text [at] > '9' || number > UINT32_MAX)
            return fallback;
        number = number * 10 + (uint64_t) (slice.text [at] - '0');
    }
    return slice.size > 0 && number <= UINT32_MAX? (uint32_t) number: fallback;
}

/*  Bytes of the well-formed UTF-8 sequence (RFC 3629) at text, 0 if there is none. */
static size_t
s_sequence (const unsigned char *text, size_t left)
{
    static const uint32_t least [] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t size = *text < 0xC2? 0: *text < 0xE0? 2: *text < 0xF0? 3: *text < 0xF5? 4: 0;
    if (size == 0 || size > left)
        return 0;
    uint32_t point = *text & (0xFFu >> (size + 1));
    for (size_t at = 1; at < size; at++) {
        if ((text [at] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (text [at] & 0x3F);
    }
    return point < least [size] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)? 0: size;
}

static void
s_put_point (uint32_t point, cf_buf_t *out)
{
    if (point < 0x80)
        cf_buf_putc (out, (char) point);
    else if (point < 0x800)
        cf_buf_append (out, (char []) { (char) (0xC0 | point >> 6), (char) (0x80 | (point & 0x3F)) }, 2);
    else if (point < 0x10000)
        cf_buf_append (out, (char []) { (char) (0xE0 | point >> 12), (char) (0x80 | (point >> 6 & 0x3F)), (char) (0x80 | (point & 0x3F)) }, 3);
    else
        cf_buf_append (out, (char []) { (char) (0xF0 | point >> 18), (char) (0x80 | (point >> 12 & 0x3F)),
                                        (char) (0x80 | (point >> 6 & 0x3F)), (char) (0x80 | (point & 0x3F)) }, 4);
}

/*  Four hexadecimal digits; -1 where there are none. */
static int32_t
s_hex4 (const char *text, const char *end)
{
    int32_t number = 0;
    if (end - text < 4)
        return -1;
    for (int at = 0; at < 4; at++) {
        char byte = text [at];
        int digit = byte >= '0' && byte <= '9'? byte - '0': byte >= 'a' && byte <= 'f'? byte - 'a' + 10
            : byte >= 'A' && byte <= 'F'? byte - 'A' + 10: -1;
        if (digit < 0)
            return -1;
        number = number * 16 + digit;
    }
    return number;
}

/*  \uXXXX, or a pair of them; returns where it ends, NULL where it is none. */
static const char *
s_decode_unicode (const char *text, const char *end, cf_buf_t *out)
{
    int32_t high = s_hex4 (text, end);
    if (high <= 0 || (high >= 0xDC00 && high < 0xE000))
        return NULL;
    text += 4;
    if (high < 0xD800 || high >= 0xE000) {
        s_put_point ((uint32_t) high, out);
        return text;
    }
    int32_t low = end - text >= 6 && text [0] == '\\' && text [1] == 'u'? s_hex4 (text + 2, end): -1;
    if (low < 0xDC00 || low >= 0xE000)
        return NULL;
    s_put_point (0x10000u + (((uint32_t) high - 0xD800u) << 10) + ((uint32_t) low - 0xDC00u), out);
    return text + 6;
}

static const char *
s_decode_escape (const char *text, const char *end, cf_buf_t *out)
{
    static const char names [] = "\"\\/bfnrt", bytes [] = "\"\\/\b\f\n\r\t";
    if (text == end)
        return NULL;
    if (*text == 'u')
        return s_decode_unicode (text + 1, end, out);
    const char *found = memchr (names, *text, sizeof names - 1);
    if (!found)
        return NULL;
    cf_buf_putc (out, bytes [found - names]);
    return text + 1;
}

int
cf_slice_decode (cf_slice_t slice, cf_buf_t *out)
{
    if (slice.size < 2 || *slice.text != '"')
        return -1;
    const char *at = slice.text + 1, *end = slice.text + slice.size - 1, *from = at;
    while (at < end) {
        unsigned char byte = (unsigned char) *at;
        if (byte >= 0x20 && byte < 0x80 && byte != '\\')
            at++;
        else if (byte == '\\') {
            cf_buf_append (out, from, (size_t) (at - from));
            from = at = s_decode_escape (at + 1, end, out);
            if (!at)
                return -1;
        }
        else {
            size_t size = s_sequence ((const unsigned char *) at, (size_t) (end - at));
            if (size == 0)
                return -1;
            at += size;
        }
    }
    return cf_buf_append (out, from, (size_t) (at - from));
}
