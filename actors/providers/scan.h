/* SPDX-License-Identifier: MPL-2.0 */
/*  scan - JSON read where it lies, member by member, without allocating: for the many small events of a stream
 *
 *  Strict in structure, numbers and literals (RFC 8259); strings that are passed over are not decoded. Whatever is
 *  wrong sets bad, from where on every call says so.
 */
#ifndef CF_PROVIDERS_SCAN_H
#define CF_PROVIDERS_SCAN_H

#include "proto/base/buf.h"

#include <stdint.h>

typedef struct {
    const char *at, *end;
    bool bad;
    bool first;                         /* no member of the present object or array was read yet */
} cf_scan_t;

/*  A value as it stands in the text: a string with its quotes. NULL text: absent. */
typedef struct {
    const char *text;
    size_t size;
} cf_slice_t;

/*  text: NULL where size is 0 is nothing, as in an absent slice. */
void cf_scan_init (cf_scan_t *self, const char *text, size_t size);
/*  Goes into an object ('{') or array ('['); false, and nothing read, if the next value is none. */
bool cf_scan_enter (cf_scan_t *self, char bracket);
/*  Goes to the next member of an object, whose key is put into key (with its quotes); false at its end, or when bad. The value
    must be read or skipped before the next call. */
bool cf_scan_member (cf_scan_t *self, cf_slice_t *key);
/*  The same for an array. */
bool cf_scan_item (cf_scan_t *self);
/*  Passes over one value of any type. */
cf_slice_t cf_scan_skip (cf_scan_t *self);
/*  Whether the text is read to its end, and was well-formed. */
bool cf_scan_done (cf_scan_t *self);

/*  Whether slice is the string (without escapes) that literal is. */
bool cf_slice_is (cf_slice_t slice, const char *literal);
/*  Appends what a string stands for. 0; -1 where it is no string, not UTF-8, has NUL or lone surrogates, or out refused. */
int cf_slice_decode (cf_slice_t slice, cf_buf_t *out);
/*  The whole number that slice is, fallback where it is none within 0 to 4294967295. */
uint32_t cf_slice_u32 (cf_slice_t slice, uint32_t fallback);

#endif
