/* SPDX-License-Identifier: MPL-2.0 */
/*  wire - msgpack scalars (the msgpack specification of 2013-08), bounds first */

#include "proto/wire.h"

#include <msgpack.h>
#include <string.h>

static uint8_t
s_byte (cf_wire_t *self)
{
    if (self->at >= self->end)
        self->failed = true;
    return self->failed? 0: *self->at++;
}

/*  Big-endian number of size bytes. */
static uint64_t
s_number (cf_wire_t *self, int size)
{
    if (self->end - self->at < size)
        self->failed = true;
    uint64_t value = 0;
    for (int at = 0; at < size && !self->failed; at++)
        value = value << 8 | *self->at++;
    return value;
}

static const void *
s_bytes (cf_wire_t *self, uint64_t size)
{
    if (self->failed || (uint64_t) (self->end - self->at) < size) {
        self->failed = true;
        return NULL;
    }
    const void *bytes = self->at;
    self->at += size;
    return bytes;
}

void
cf_wire_read (cf_wire_t *self, const void *bytes, size_t size, uint32_t count)
{
    *self = (cf_wire_t) { .at = bytes, .end = (const uint8_t *) bytes + size };
    uint8_t head = s_byte (self);
    uint64_t found = (head & 0xF0) == 0x90? head & 0x0Fu: head == 0xDC? s_number (self, 2): head == 0xDD? s_number (self, 4): UINT64_MAX;
    if (found != count)
        self->failed = true;
}

bool
cf_wire_get_bool (cf_wire_t *self)
{
    uint8_t head = s_byte (self);
    if (head != 0xC2 && head != 0xC3)
        self->failed = true;
    return head == 0xC3 && !self->failed;
}

uint64_t
cf_wire_get_u64 (cf_wire_t *self, uint64_t max)
{
    uint8_t head = s_byte (self);
    uint64_t value = head;
    if (head >= 0xCC && head <= 0xCF)
        value = s_number (self, 1 << (head - 0xCC));
    else if (head > 0x7F)
        self->failed = true;
    if (value > max)
        self->failed = true;
    return self->failed? 0: value;
}

int64_t
cf_wire_get_i64 (cf_wire_t *self)
{
    if (self->at < self->end && *self->at >= 0xE0)
        return (int8_t) *self->at++;
    if (self->at < self->end && *self->at >= 0xD0 && *self->at <= 0xD3) {
        int size = 1 << (*self->at++ - 0xD0);
        uint64_t value = s_number (self, size);
        return size == 1? (int8_t) value: size == 2? (int16_t) value: size == 4? (int32_t) value: (int64_t) value;
    }
    return (int64_t) cf_wire_get_u64 (self, INT64_MAX);
}

double
cf_wire_get_f64 (cf_wire_t *self)
{
    if (s_byte (self) != 0xCB)
        self->failed = true;
    uint64_t bits = s_number (self, 8);
    double value = 0;
    if (!self->failed)
        memcpy (&value, &bits, sizeof value);
    return value;
}

const char *
cf_wire_get_str (cf_wire_t *self, size_t max, size_t *size)
{
    uint8_t head = s_byte (self);
    uint64_t length = 0;
    if ((head & 0xE0) == 0xA0)
        length = head & 0x1Fu;
    else if (head >= 0xD9 && head <= 0xDB)
        length = s_number (self, 1 << (head - 0xD9));
    else
        self->failed = true;
    const char *text = length <= max? s_bytes (self, length): NULL;
    if (!text || memchr (text, 0, length)) {
        self->failed = true;
        text = NULL;
    }
    *size = text? (size_t) length: 0;
    return text;
}

const void *
cf_wire_get_bin (cf_wire_t *self, size_t *size)
{
    uint8_t head = s_byte (self);
    uint64_t length = 0;
    if (head >= 0xC4 && head <= 0xC6)
        length = s_number (self, 1 << (head - 0xC4));
    else
        self->failed = true;
    const void *bytes = s_bytes (self, length);
    *size = bytes? (size_t) length: 0;
    return bytes;
}

void
cf_wire_get_text (cf_wire_t *self, char *out, size_t out_size)
{
    size_t size;
    const char *text = cf_wire_get_str (self, out_size - 1, &size);
    if (text)
        memcpy (out, text, size);
    out [text? size: 0] = 0;
}

bool
cf_wire_done (const cf_wire_t *self)
{
    return !self->failed && self->at == self->end;
}

static int
s_write (void *out, const char *bytes, size_t size)
{
    return cf_buf_append (out, bytes, size);
}

static msgpack_packer
s_packer (cf_buf_t *out)
{
    msgpack_packer packer;
    msgpack_packer_init (&packer, out, s_write);
    return packer;
}

void
cf_wire_put_array (cf_buf_t *out, uint32_t count)
{
    msgpack_packer packer = s_packer (out);
    msgpack_pack_array (&packer, count);
}

void
cf_wire_put_bool (cf_buf_t *out, bool value)
{
    cf_buf_putc (out, (char) (value? 0xC3: 0xC2));
}

void
cf_wire_put_u64 (cf_buf_t *out, uint64_t value)
{
    msgpack_packer packer = s_packer (out);
    msgpack_pack_uint64 (&packer, value);
}

void
cf_wire_put_i64 (cf_buf_t *out, int64_t value)
{
    msgpack_packer packer = s_packer (out);
    msgpack_pack_int64 (&packer, value);
}

void
cf_wire_put_f64 (cf_buf_t *out, double value)
{
    msgpack_packer packer = s_packer (out);
    msgpack_pack_double (&packer, value);
}

void
cf_wire_put_str (cf_buf_t *out, const char *text, size_t size)
{
    msgpack_packer packer = s_packer (out);
    msgpack_pack_str (&packer, size);
    cf_buf_append (out, text, size);
}

void
cf_wire_put_bin (cf_buf_t *out, const void *bytes, size_t size)
{
    msgpack_packer packer = s_packer (out);
    msgpack_pack_bin (&packer, size);
    cf_buf_append (out, bytes, size);
}
