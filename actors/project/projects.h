/* SPDX-License-Identifier: MPL-2.0 */
/*  projects - projects, files and messages in PostgreSQL: every statement that reads or writes them
 *
 *  What a user asks for carries the user into the statement, so that another's project is as unknown as one that
 *  is not there. Documents are built by the server, as the HTTP API shows them.
 *
 *  Writes go through one connection: they are grouped into its transactions, and two groups can never wait for each other's rows.
 */
#ifndef CF_PROJECT_PROJECTS_H
#define CF_PROJECT_PROJECTS_H

#include "actors/lib/db.h"

#define CF_PROJECTS_FILES_BYTES (12u << 20)     /* most bytes of files in one answer; whoever has more asks for them one by one */
#define CF_PROJECTS_PAGE_SIZE 50                /* most projects of a page */
#define CF_PROJECTS_PRUNE_ROWS 10000            /* deleted at once */

typedef struct cf_projects_t cf_projects_t;

/*  Begins to connect. NULL with error. */
cf_projects_t *cf_projects_new (cf_loop_t *loop, const char *url, cf_error_t *error);
void cf_projects_destroy (cf_projects_t **self_p);

/*  Each of these: 0 with *result (yours to cf_db_result_destroy), whose first value is the document; -1 with error: INVALID,
    or the database's. No row: there is no such project, or it is not the user's. */

/*  Makes a project from a checked body; one that is there already is shown as it is. */
int cf_projects_create (cf_projects_t *self, cf_task_t *task, const char *project, const char *user, const char *body,
                        cf_db_result_t **result, cf_error_t *error);
int cf_projects_read (cf_projects_t *self, cf_task_t *task, const char *project, const char *user,
                      cf_db_result_t **result, cf_error_t *error);
/*  Page, newest first; mode and status "" for any, where any status is all but archived. Always a row. */
int cf_projects_list (cf_projects_t *self, cf_task_t *task, const char *user, const char *mode, const char *status,
                      uint32_t page, uint32_t page_size, cf_db_result_t **result, cf_error_t *error);
int cf_projects_list_files (cf_projects_t *self, cf_task_t *task, const char *project, const char *user, bool with_content,
                            cf_db_result_t **result, cf_error_t *error);
/*  The document is null where the project has no such file. */
int cf_projects_read_file (cf_projects_t *self, cf_task_t *task, const char *project, const char *user, const char *path,
                           cf_db_result_t **result, cf_error_t *error);
/*  {title, requirements_spec, architecture_spec, files: [{file_path, content, language}]}, for agents: asks for no user. */
int cf_projects_read_context (cf_projects_t *self, cf_task_t *task, const char *project, cf_db_result_t **result, cf_error_t *error);

/*  Applies changes (actors/project/changes.h) to a project unless this effect of this job was applied before: all of them or none.
    An archived project stays archived. A file whose content differs rises in version. 0, or -1 with INVALID, NOT_FOUND (no such
    project) or the database's error. */
int cf_projects_apply (cf_projects_t *self, cf_task_t *task, const char *job, const char *effect, const char *project,
                       const char *changes, cf_error_t *error);
/*  Forgets effects of jobs that ended more than days ago. Rows deleted, at most CF_PROJECTS_PRUNE_ROWS, or -1 with error. */
int cf_projects_prune (cf_projects_t *self, cf_task_t *task, uint64_t days, cf_error_t *error);

#endif
