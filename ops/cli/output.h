/* SPDX-License-Identifier: MPL-2.0 */
/*  output - a project's files, written below a folder
 *
 *  Paths come from a model: nothing outside of the folder is ever touched, also not through a link in it. A later run
 *  replaces the files of the earlier one and removes those that are no more (a list of them is kept in .codeforge);
 *  whatever else lies there stays.
 */
#ifndef CF_CLI_OUTPUT_H
#define CF_CLI_OUTPUT_H

#include "proto/base/error.h"
#include "proto/base/json.h"

#include <limits.h>

typedef struct {
    char folder [PATH_MAX];             /* absolute */
    size_t count;                       /* files written */
    size_t bytes;
    size_t refused;                     /* with a path that leads out */
} cf_output_t;

/*  Opens a folder, making it and those above it where they are not there. Its descriptor, or -1 with a sentence. */
int cf_output_open (const char *folder, cf_error_t *error);
/*  Writes a file below the folder root, over one that is there. 0, or -1 with a sentence: its path leads out, or through a link, or
    the system refuses. */
int cf_output_put (int root, const char *path, const void *content, size_t size, bool executable, cf_error_t *error);

/*  Writes files, an array of {path, content}, to out/slug. 0, or -1 with a sentence. */
int cf_output_write (cf_output_t *self, const char *out, const char *slug, const cf_json_t *files, cf_error_t *error);
/*  Whether a path is relative, without empty, "." or ".." segments, backslashes or control characters, and of sane length. */
bool cf_output_path_is_safe (const char *path);
/*  How to open what was written, a line for people; NULL where nothing is known. Static storage. */
const char *cf_output_hint (const cf_output_t *self);

#endif
