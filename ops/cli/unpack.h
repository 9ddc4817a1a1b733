/* SPDX-License-Identifier: MPL-2.0 */
/*  unpack - a project's archive, file by file (libarchive's other owner: http-edge/archive.h writes it) */
#ifndef CF_CLI_UNPACK_H
#define CF_CLI_UNPACK_H

#include "proto/base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define CF_UNPACK_FILE_MAX (4u << 20)   /* bytes of one file; the API takes 100,000 characters */

/*  Takes the next file; what is given is good until it returns. Non-zero, with error, ends it. */
typedef int (cf_unpack_fn) (void *arg, const char *path, const void *content, size_t size, bool executable, cf_error_t *error);

/*  Reads a gzipped tar from fd, to its end. Nothing but regular files may be in it; paths are not looked at. 0, or -1 with a
    sentence. */
int cf_unpack (int fd, cf_unpack_fn *fn, void *arg, cf_error_t *error);

#endif
