/* SPDX-License-Identifier: MPL-2.0 */
/*  sources - what holds for every file that the code agent writes, beyond what a schema can say */
#ifndef CF_CODER_SOURCES_H
#define CF_CODER_SOURCES_H

#include "proto/base/json.h"

/*  Whether agents may write there: src/, public/, tests/ or the root; no empty, "." or ".." segment, a small alphabet. */
bool cf_sources_is_safe (const char *path);
/*  Looks at a list of files [{file_path, content?, language?}]: appends a line "- FIELD: …" to complaints for each path that is not safe or
    there twice, and each content within a code fence; how many. */
size_t cf_sources_check (const cf_json_t *files, cf_buf_t *complaints);
/*  Whether a text is wrapped in a code fence, though its language has none. */
bool cf_sources_is_fenced (const char *content, const char *language);

#endif
