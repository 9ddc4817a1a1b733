/* SPDX-License-Identifier: MPL-2.0 */
/*  buf - growth by doubling, refused beyond the maximum */

#include "proto/base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char s_empty [1] = "";

void
cf_buf_init (cf_buf_t *self, size_t max_bytes)
{
    *self = (cf_buf_t) { .bytes = s_empty, .max = max_bytes };
}

void
cf_buf_free (cf_buf_t *self)
{
    if (self->capacity)
        free (self->bytes);
    cf_buf_init (self, self->max);
}

void
cf_buf_reset (cf_buf_t *self)
{
    self->size = 0;
    self->overflowed = false;
    if (self->capacity)
        self->bytes [0] = 0;
}

char *
cf_buf_reserve (cf_buf_t *self, size_t size)
{
    if (self->overflowed || size > self->max || self->size > self->max - size) {
        self->overflowed = true;
        return NULL;
    }
    size_t need = self->size + size + 1;
    if (need > self->capacity) {
        size_t capacity = self->capacity? self->capacity: 64;
        while (capacity < need)
            capacity *= 2;
        char *bytes = realloc (self->capacity? self->bytes: NULL, capacity);
        if (!bytes) {
            self->overflowed = true;
            return NULL;
        }
        self->bytes = bytes;
        self->capacity = capacity;
        self->bytes [self->size] = 0;
    }
    return self->bytes + self->size;
}

int
cf_buf_append (cf_buf_t *self, const void *bytes, size_t size)
{
    char *at = cf_buf_reserve (self, size);
    if (!at)
        return -1;
    if (size)
        memcpy (at, bytes, size);
    self->size += size;
    self->bytes [self->size] = 0;
    return 0;
}

int
cf_buf_puts (cf_buf_t *self, const char *string)
{
    return cf_buf_append (self, string, strlen (string));
}

int
cf_buf_putc (cf_buf_t *self, char byte)
{
    return cf_buf_append (self, &byte, 1);
}

int
cf_buf_printf (cf_buf_t *self, const char *format, ...)
{
    va_list args, again;
    va_start (args, format);
    va_copy (again, args);
    int size = vsnprintf (NULL, 0, format, args);
    va_end (args);
    char *at = size < 0? NULL: cf_buf_reserve (self, (size_t) size);
    if (at) {
        vsnprintf (at, (size_t) size + 1, format, again);
        self->size += (size_t) size;
    }
    else
        self->overflowed = true;
    va_end (again);
    return at? 0: -1;
}

/*  Length of the well-formed UTF-8 sequence at bytes (RFC 3629), 0 where there is none. */
static size_t
s_utf8_length (const unsigned char *bytes, size_t left)
{
    static const uint32_t least [] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = bytes [0] < 0x80? 1: bytes [0] < 0xC2? 0: bytes [0] < 0xE0? 2: bytes [0] < 0xF0? 3: bytes [0] < 0xF5? 4: 0;
    if (length <= 1 || length > left)
        return length > left? 0: length;
    uint32_t point = bytes [0] & (0xFFu >> (length + 1));
    for (size_t at = 1; at < length; at++) {
        if ((bytes [at] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (bytes [at] & 0x3F);
    }
    return point < least [length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)? 0: length;
}

int
cf_buf_put_json (cf_buf_t *self, const char *string, size_t size)
{
    static const char escapes [] = "btn?fr";
    const unsigned char *bytes = (const unsigned char *) string;
    cf_buf_putc (self, '"');
    size_t start = 0, at = 0;
    while (at < size) {
        while (at < size && bytes [at] >= 0x20 && bytes [at] < 0x80 && bytes [at] != '"' && bytes [at] != '\\')
            at++;
        if (at == size)
            break;
        size_t length = s_utf8_length (bytes + at, size - at);
        if (length > 1) {
            at += length;
            continue;
        }
        cf_buf_append (self, string + start, at - start);
        unsigned char byte = bytes [at];
        if (!length)
            cf_buf_puts (self, "\xEF\xBF\xBD");
        else if (byte == '"' || byte == '\\')
            cf_buf_append (self, (const char []) { '\\', (char) byte }, 2);
        else if (byte >= 8 && byte <= 13 && byte != 11)
            cf_buf_append (self, (const char []) { '\\', escapes [byte - 8] }, 2);
        else
            cf_buf_printf (self, "\\u%04x", byte);
        start = ++at;
    }
    cf_buf_append (self, string + start, at - start);
    return cf_buf_putc (self, '"');
}

void
cf_buf_consume (cf_buf_t *self, size_t size)
{
    if (size >= self->size) {
        self->size = 0;
        if (self->capacity)
            self->bytes [0] = 0;
        return;
    }
    memmove (self->bytes, self->bytes + size, self->size - size + 1);
    self->size -= size;
}

char *
cf_buf_take (cf_buf_t *self)
{
    char *bytes = self->capacity? self->bytes: calloc (1, 1);
    cf_buf_init (self, self->max);
    return bytes;
}
