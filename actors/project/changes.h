/* SPDX-License-Identifier: MPL-2.0 */
/*  changes - what a finished piece of work changes in its project, read strictly and made ready for PostgreSQL
 *
 *  {status?, requirements_spec?, architecture_spec?, files? [{file_path, content, language, …}], message? {role, content},
 *  roadmap? {modules, …}}
 */
#ifndef CF_PROJECT_CHANGES_H
#define CF_PROJECT_CHANGES_H

#include "proto/base/json.h"

#define CF_CHANGES_FILES 200            /* most files of one change */
#define CF_CHANGES_MESSAGE_BYTES 100000 /* longest message */

typedef struct {
    const char *status;                 /* one of a project's, or NULL */
    char *requirements, *architecture;  /* JSON, or NULL */
    char *modules;                      /* of the roadmap: JSON, or NULL */
    size_t file_count;
    char *paths, *contents, *languages; /* array literals of file_count texts each, or NULL where there are no files */
    const char *role, *content;         /* of the message; NULL where there is none */
    cf_json_t *document;                /* where content lies */
} cf_changes_t;

/*  Reads text into self. NUL characters are dropped, since PostgreSQL cannot keep them; of two files with one path the later
    counts; an unknown language becomes text. 0 (then cf_changes_free), or -1 with INVALID and self empty. */
int cf_changes_parse (const char *text, cf_changes_t *self, cf_error_t *error);
/*  Whether path is a relative one of a small alphabet without empty, "." or ".." segments; which folders are allowed is for
    others to say. */
bool cf_changes_path_is_safe (const char *path);
/*  Safe twice. */
void cf_changes_free (cf_changes_t *self);

#endif
