/* SPDX-License-Identifier: MPL-2.0 */
/*  schema_format - the string formats that schemas may ask for */
#ifndef CF_PROTO_SCHEMA_FORMAT_H
#define CF_PROTO_SCHEMA_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

/*  Whether text, NUL-terminated and size bytes long, has the format. */
typedef bool (cf_schema_format_fn) (const char *text, size_t size);

/*  The test for a format's name as in JSON Schema: uuid, date, date-time, email, uri; NULL for any other. */
cf_schema_format_fn *cf_schema_format_lookup (const char *name);

#endif
