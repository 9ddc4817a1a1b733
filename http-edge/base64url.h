/* SPDX-License-Identifier: MPL-2.0 */
/*  base64url - RFC 4648, section 5, without padding, in its one canonical form */
#ifndef CF_EDGE_BASE64URL_H
#define CF_EDGE_BASE64URL_H

#include "proto/base/buf.h"

#include <stddef.h>

/*  Returns the number of bytes written to out (size * 3 / 4 suffice), or -1 where text is not in that form. */
int cf_base64url_decode (const char *text, size_t size, unsigned char *out);
/*  Appends; 0, or -1 when out refused. */
int cf_base64url_encode (const void *bytes, size_t size, cf_buf_t *out);

#endif
