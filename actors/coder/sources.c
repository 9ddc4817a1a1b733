/* SPDX-License-Identifier: MPL-2.0 */
/*  sources - paths and contents, looked at one after the other */

#include "actors/coder/sources.h"

#include <string.h>

bool
cf_sources_is_safe (const char *path)
{
    size_t size = strlen (path);
    if (!size || size > 500 || strspn (path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.-") != size)
        return false;
    int depth = 0;
    for (const char *segment = path;; depth++) {
        size_t length = strcspn (segment, "/");
        if (!length || (length == 1 && *segment == '.') || (length == 2 && strncmp (segment, "..", 2) == 0))
            return false;
        if (!segment [length])
            break;
        if (!depth && strncmp (path, "src/", 4) && strncmp (path, "public/", 7) && strncmp (path, "tests/", 6))
            return false;
        segment += length + 1;
    }
    return true;
}

bool
cf_sources_is_fenced (const char *content, const char *language)
{
    return strncmp (content, "```", 3) == 0 && strcmp (language, "markdown") && strcmp (language, "text");
}

/*  The file before `at` with the same path; at where there is none. */
static size_t
s_twin (const cf_json_t *files, size_t at, const char *path)
{
    for (size_t other = 0; other < at; other++)
        if (strcmp (cf_json_str (json_array_get (files, other), "file_path", ""), path) == 0)
            return other;
    return at;
}

size_t
cf_sources_check (const cf_json_t *files, cf_buf_t *complaints)
{
    size_t count = 0, at;
    cf_json_t *file;
    json_array_foreach (files, at, file) {
        const char *path = cf_json_str (file, "file_path", "");
        size_t twin = s_twin (files, at, path);
        if (!cf_sources_is_safe (path)) {
            cf_buf_printf (complaints, "- files.%zu.file_path: not a path that files may have\n", at);
            count++;
        }
        if (twin < at) {
            cf_buf_printf (complaints, "- files.%zu.file_path: file %zu has the same one\n", at, twin);
            count++;
        }
        if (cf_sources_is_fenced (cf_json_str (file, "content", ""), cf_json_str (file, "language", ""))) {
            cf_buf_printf (complaints, "- files.%zu.content: it is stored as it is, so there must be no code fence around it\n", at);
            count++;
        }
    }
    return count;
}
