/* SPDX-License-Identifier: MPL-2.0 */
/*  effects - what finished work changes in its project: once, all of it or nothing */
#ifndef CF_PROJECT_EFFECTS_H
#define CF_PROJECT_EFFECTS_H

#include "actors/project/tables.h"

/*  Applies changes (actors/project/changes.h) to a project unless this effect of this job was applied before: all of them or none.
    An archived project stays archived. A file whose content differs rises in version; a roadmap replaces the former one and begins at
    its first module. 0, or -1 with INVALID, NOT_FOUND (no such project) or the database's error. */
int cf_effects_apply (cf_tables_t *tables, cf_task_t *task, const char *job, const char *effect, const char *project,
                      const char *changes, cf_error_t *error);
/*  Forgets effects of jobs that ended more than days ago. Rows deleted, at most CF_TABLES_PRUNE_ROWS, or -1 with error. */
int cf_effects_prune (cf_tables_t *tables, cf_task_t *task, uint64_t days, cf_error_t *error);

#endif
