/* SPDX-License-Identifier: MPL-2.0 */
/*  people - profiles of users, and addresses of those who wait to become one */
#ifndef CF_PROJECT_PEOPLE_H
#define CF_PROJECT_PEOPLE_H

#include "actors/project/tables.h"

/*  The user's own profile, made when absent. 0 with *result (yours to cf_db_result_destroy), one row of one value; -1 with error. */
int cf_people_read (cf_tables_t *tables, cf_task_t *task, const char *user, cf_db_result_t **result, cf_error_t *error);
/*  Sets what a checked body names, and shows the profile as above; CONFLICT where somebody else has the username. */
int cf_people_write (cf_tables_t *tables, cf_task_t *task, const char *user, const char *body, cf_db_result_t **result, cf_error_t *error);
/*  Keeps an address once. 0, or -1 with error. */
int cf_people_wait (cf_tables_t *tables, cf_task_t *task, const char *email, cf_error_t *error);

#endif
