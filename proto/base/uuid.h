/* SPDX-License-Identifier: MPL-2.0 */
/*  uuid - identifiers as text, RFC 9562 */
#ifndef CF_BASE_UUID_H
#define CF_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CF_UUID_SIZE 37                 /* 36 characters and the NUL */

/*  A new version 7 uuid (time-ordered, so that index inserts stay at one end), lower case. Returns text. */
char *cf_uuid_new (char text [CF_UUID_SIZE]);
/*  Whether text is exactly one uuid in the 8-4-4-4-12 form, any case, any version. */
bool cf_uuid_valid (const char *text);
/*  Copies text in lower case into out; false (and out = "") where it is not a uuid. */
bool cf_uuid_parse (const char *text, char out [CF_UUID_SIZE]);
/*  The 16 bytes behind a valid text, and back (lower case). */
void cf_uuid_pack (const char *text, uint8_t bytes [16]);
char *cf_uuid_unpack (const uint8_t bytes [16], char text [CF_UUID_SIZE]);
/*  Fills bytes from the kernel's random source; ends the process if there is none. */
void cf_uuid_random (void *bytes, size_t size);

#endif
