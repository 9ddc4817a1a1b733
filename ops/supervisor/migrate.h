/* SPDX-License-Identifier: MPL-2.0 */
/*  migrate - brings a database to the state ops/migrations describes
 *
 *  A migration is a file NNNN_name.sql, numbered from 0001 without gaps; it runs once, in number order, in one
 *  transaction together with its row in codeforge.migrations. Supervisors that start at the same time take
 *  turns under an advisory lock (held by the transaction, so that it works through a connection pooler too).
 *
 *  Refused, with a sentence that names the file: one that was changed after it was applied, one that was applied
 *  and is gone, and a database that a newer CodeForge has migrated.
 */
#ifndef CF_SUPERVISOR_MIGRATE_H
#define CF_SUPERVISOR_MIGRATE_H

#include "proto/base/error.h"

/*  Applies what folder holds and the database at URL lacks. Number of migrations applied (0: was up to date), or -1:
    INVALID (the folder is at fault), CONFLICT (folder and database contradict each other), DATABASE_REFUSED
    (file, line and the server's message) or DATABASE_DOWN. Logs a line for each migration applied. Blocks. */
int cf_migrate (const char *database_url, const char *folder, cf_error_t *error);

#endif
