/* SPDX-License-Identifier: MPL-2.0 */
/*  students - the roadmap of a project in student mode, what was chosen in it, and the days spent on it */
#ifndef CF_PROJECT_STUDENTS_H
#define CF_PROJECT_STUDENTS_H

#include "actors/project/tables.h"

#define CF_STUDENTS_SESSIONS 100        /* most sessions of one list */

/*  Each of these: 0 with *result (yours to cf_db_result_destroy), whose first value is the document and whose second is the verdict
    (tables.h); -1 with error: INVALID, or the database's. No row: there is no such project, or it is not the user's. Each may find
    that the project is not in student mode; whatever writes, that it is archived; all but sessions, that it has no roadmap. */

int cf_students_read_roadmap (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user,
                              cf_db_result_t **result, cf_error_t *error);
/*  step_index from 0 to the number of modules, which means that all are done; the roadmap. Verdict step_index with that number. */
int cf_students_advance (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, uint32_t step_index,
                         cf_db_result_t **result, cf_error_t *error);
/*  Keeps "choice": option_id in the module; {message, module_index, option_id}. Verdict module_index with the last one's index. */
int cf_students_choose (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, uint32_t module_index,
                        const char *option_id, cf_db_result_t **result, cf_error_t *error);
/*  Adds a session from a checked body; one that is there already is shown as it is. */
int cf_students_add_session (cf_tables_t *tables, cf_task_t *task, const char *session, const char *project, const char *user,
                             const char *body, cf_db_result_t **result, cf_error_t *error);
/*  {project_id, count, sessions}, newest first, at most limit of them. */
int cf_students_list_sessions (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, uint32_t limit,
                               cf_db_result_t **result, cf_error_t *error);
/*  {roadmap_id, project_id, completed_modules, total_modules, current_module, …}; current_module is its title, null when all are done. */
int cf_students_read_progress (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user,
                               cf_db_result_t **result, cf_error_t *error);

#endif
