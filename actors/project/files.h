/* SPDX-License-Identifier: MPL-2.0 */
/*  files - a project's files, as their user reads and writes them */
#ifndef CF_PROJECT_FILES_H
#define CF_PROJECT_FILES_H

#include "actors/project/tables.h"

/*  Each of these: 0 with *result (yours to cf_db_result_destroy), whose first value is the document and whose second, where there
    is one, the verdict (tables.h); -1 with error: INVALID, or the database's. No row: there is no such project, or it is not the
    user's. */

int cf_files_list (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, bool with_content,
                   cf_db_result_t **result, cf_error_t *error);
int cf_files_read (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, const char *path,
                   cf_db_result_t **result, cf_error_t *error);

/*  {project: {id, title, description, updated_at}, files: [{path, content, language, version, updated_at}], more}: the files whose
    paths come after `after` ("": from the first), in the order of their paths' bytes, whatever the server's own is. As many as have
    max_bytes of content together, one at least, and no more than fit a message. Each page is read by itself: what is written between
    two is seen in part. Verdict: path, where the web app left one that must not be used. */
#define CF_FILES_PAGE_BYTES (2u << 20)          /* of content in one page; a message holds them even if each has to be escaped */
int cf_files_page (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, const char *after, uint32_t max_bytes,
                   cf_db_result_t **result, cf_error_t *error);

typedef struct {
    const char *project, *user, *path, *content;
    const char *language;               /* "": by the extension, and of a file that must exist the one it has */
    uint32_t if_version;                /* only over this version; 0: over any */
    bool must_exist;
    const char *write;                  /* uuid; a write that was done before is not done again. "": it has none */
} cf_files_write_t;

/*  Writes a file, as version 1 or over what is there as the next version, also where that changes nothing. The third value says
    whether it was not there before. Verdicts: archived, file, version. */
int cf_files_write (cf_tables_t *tables, cf_task_t *task, const cf_files_write_t *write, cf_db_result_t **result, cf_error_t *error);
/*  {path}; write as above: a deletion that was done before is answered like the first. Verdicts: archived, file. */
int cf_files_delete (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, const char *path, const char *write,
                     cf_db_result_t **result, cf_error_t *error);
/*  Forgets which writes were done more than minutes ago. Rows deleted, at most CF_TABLES_PRUNE_ROWS, or -1 with error. */
int cf_files_prune (cf_tables_t *tables, cf_task_t *task, uint64_t minutes, cf_error_t *error);

#endif
