/* SPDX-License-Identifier: MPL-2.0 */
/*  app_files - the sources of the apps the simulator writes, compiled in from app/
 *
 *  A file with placeholders ({{name}}) is filled for each app; the others go out as they are.
 */
#ifndef CF_SIMULATOR_APP_FILES_H
#define CF_SIMULATOR_APP_FILES_H

#include "proto/base/buf.h"

#include <stddef.h>

typedef struct {
    const char *name, *value;   /* name without braces; value already escaped for its place */
} cf_app_value_t;

/*  The text of app/NAME, NULL where there is none; *size its bytes. */
const char *cf_app_files_lookup (const char *name, size_t *size);
/*  Appends app/NAME with its placeholders filled from values (ended by a NULL name); an unknown one stays empty. */
int cf_app_files_fill (const char *name, const cf_app_value_t *values, cf_buf_t *out);

#endif
