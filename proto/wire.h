/* SPDX-License-Identifier: MPL-2.0 */
/*  wire - flat msgpack arrays of scalars, read strictly and written
 *
 *  Envelopes and bodies are each one array whose elements are nil-free scalars. The reader checks every bound and type
 *  and demands that the last byte is consumed. (msgpack-c's own unpacker allocates what a hostile array header
 *  claims; it is used for writing.)
 */
#ifndef CF_WIRE_H
#define CF_WIRE_H

#include "proto/base/buf.h"

#include <stdint.h>

typedef struct {
    const uint8_t *at, *end;
    bool failed;                /* set by the first getter that did not find what it wanted; later ones do nothing */
} cf_wire_t;

/*  Starts reading an array of exactly count elements. */
void cf_wire_read (cf_wire_t *self, const void *bytes, size_t size, uint32_t count);
/*  Each takes the next element; 0/NULL/false and failed set where it is of another type or out of range. */
bool cf_wire_get_bool (cf_wire_t *self);
uint64_t cf_wire_get_u64 (cf_wire_t *self, uint64_t max);
int64_t cf_wire_get_i64 (cf_wire_t *self);
double cf_wire_get_f64 (cf_wire_t *self);
/*  Bytes inside the input, not NUL-terminated; a NUL within a string fails. */
const char *cf_wire_get_str (cf_wire_t *self, size_t max, size_t *size);
const void *cf_wire_get_bin (cf_wire_t *self, size_t *size);
/*  Copies a string into a fixed array, NUL-terminated. */
void cf_wire_get_text (cf_wire_t *self, char *out, size_t out_size);
/*  Whether everything was found and nothing is left over. */
bool cf_wire_done (const cf_wire_t *self);

void cf_wire_put_array (cf_buf_t *out, uint32_t count);
void cf_wire_put_bool (cf_buf_t *out, bool value);
void cf_wire_put_u64 (cf_buf_t *out, uint64_t value);
void cf_wire_put_i64 (cf_buf_t *out, int64_t value);
void cf_wire_put_f64 (cf_buf_t *out, double value);
void cf_wire_put_str (cf_buf_t *out, const char *text, size_t size);
void cf_wire_put_bin (cf_buf_t *out, const void *bytes, size_t size);

#endif
