/* SPDX-License-Identifier: MPL-2.0 */
/*  scan - walks a JSON text in place, without building a tree
 *
 *  Requests are tens of kilobytes of prompt of which a few members matter, and thousands arrive a second: the
 *  walk costs a fraction of a parse. A slice points into the text; strings stay escaped until asked for.
 *  After any fault `bad` is set, everything returns false, and the reader's text is to be refused.
 */
#ifndef CF_SIMULATOR_SCAN_H
#define CF_SIMULATOR_SCAN_H

#include "proto/base/buf.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *text;           /* borrowed, not NUL-terminated */
    size_t size;
} cf_slice_t;

typedef struct {
    const char *at, *end;
    bool fresh;                 /* just behind an opening bracket */
    bool bad;                   /* malformed */
} cf_scan_t;

void cf_scan_init (cf_scan_t *self, const char *text, size_t size);
/*  What comes next: '{' '[' '"' '0' (a number) 't' 'f' 'n' ']' '}', or 0 at the end. */
char cf_scan_peek (cf_scan_t *self);
/*  Steps into the object or array that comes next; false (nothing consumed, not bad) if it is none. */
bool cf_scan_enter (cf_scan_t *self, char bracket);
/*  Stands before the next member's value (key: its raw name; NULL in an array); false behind the closing bracket. */
bool cf_scan_next (cf_scan_t *self, cf_slice_t *key);
/*  Reads a string: raw is what stands between the quotes. */
bool cf_scan_string (cf_scan_t *self, cf_slice_t *raw);
/*  Reads any value; value (may be NULL) is its text. */
bool cf_scan_skip (cf_scan_t *self, cf_slice_t *value);
/*  Whether the whole text was one well-formed value. */
bool cf_scan_done (cf_scan_t *self);
/*  Appends a raw string with its escapes resolved. 0, or -1 where out refused. */
int cf_scan_unescape (cf_slice_t raw, cf_buf_t *out);
/*  Finds an object's member: its value's text; false where there is none. */
bool cf_scan_lookup (cf_slice_t object, const char *key, cf_slice_t *value);

bool cf_slice_is (cf_slice_t slice, const char *string);
/*  The first place of needle in hay, NULL where it is not. */
const char *cf_slice_find (cf_slice_t hay, const char *needle);

#endif
