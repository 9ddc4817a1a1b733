/* SPDX-License-Identifier: MPL-2.0 */
/*  projects - projects and what was said in them: every statement that reads or writes them but for effects */
#ifndef CF_PROJECT_PROJECTS_H
#define CF_PROJECT_PROJECTS_H

#include "actors/project/tables.h"

#define CF_PROJECTS_PAGE_SIZE 50        /* most projects of a page */
#define CF_PROJECTS_MESSAGES 100        /* most messages of a page */

/*  Each of these: 0 with *result (yours to cf_db_result_destroy), whose first value is the document and whose second, where there
    is one, the verdict (tables.h); -1 with error: INVALID, or the database's. No row: there is no such project, or it is not the
    user's. */

/*  Makes a project from a checked body; one that is there already is shown as it is. */
int cf_projects_create (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, const char *body,
                        cf_db_result_t **result, cf_error_t *error);
int cf_projects_read (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user,
                      cf_db_result_t **result, cf_error_t *error);
/*  Page, newest first; mode and status "" for any, where any status is all but archived. Always a row. */
int cf_projects_list (cf_tables_t *tables, cf_task_t *task, const char *user, const char *mode, const char *status,
                      uint32_t page, uint32_t page_size, cf_db_result_t **result, cf_error_t *error);
/*  Changes what a checked body names: title, description, status. Verdict archived, unless the body's status takes the project out of
    the archive, or is all that the body has. */
int cf_projects_update (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, const char *body,
                        cf_db_result_t **result, cf_error_t *error);
/*  Archives it, also once more. */
int cf_projects_archive (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user,
                         cf_db_result_t **result, cf_error_t *error);
/*  Page of messages, oldest first. */
int cf_projects_list_messages (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user,
                               uint32_t page, uint32_t page_size, cf_db_result_t **result, cf_error_t *error);
/*  {title, requirements_spec, architecture_spec, files: [{file_path, content, language}]}, for agents: asks for no user. */
int cf_projects_read_context (cf_tables_t *tables, cf_task_t *task, const char *project, cf_db_result_t **result, cf_error_t *error);

#endif
