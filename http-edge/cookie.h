/* SPDX-License-Identifier: MPL-2.0 */
/*  cookie - reading the Cookie header (RFC 6265, section 5.4) and making the one cookie we set */
#ifndef CF_EDGE_COOKIE_H
#define CF_EDGE_COOKIE_H

#include <stdbool.h>
#include <stddef.h>

#define CF_COOKIE_CSRF "csrf_token"
#define CF_COOKIE_CSRF_SIZE 65          /* 256 bit in hex and the NUL */

/*  Finds name in a Cookie header's value; *value points into header. False where it is not there. */
bool cf_cookie_find (const char *header, size_t size, const char *name, const char **value, size_t *value_size);
/*  A new random value. Returns value. */
char *cf_cookie_csrf_new (char value [CF_COOKIE_CSRF_SIZE]);

#endif
