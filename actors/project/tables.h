/* SPDX-License-Identifier: MPL-2.0 */
/*  tables - the store's connections, and how its statements are asked
 *
 *  What a user asks for names the user twice: in the statement, so that another's row is as unknown as one that is not
 *  there, and to the server, which runs it as role `authenticated` with the user's claims and would refuse the rest.
 *  Documents are built by the server, as the HTTP API shows them.
 *
 *  Writes go through one connection: they are grouped into its transactions, and two groups can never wait for each other's rows.
 */
#ifndef CF_PROJECT_TABLES_H
#define CF_PROJECT_TABLES_H

#include "actors/lib/db.h"

#define CF_TABLES_ANSWER_BYTES (12u << 20)      /* most bytes of texts in one answer */

typedef struct cf_tables_t cf_tables_t;

/*  Begins to connect. NULL with error. */
cf_tables_t *cf_tables_new (cf_loop_t *loop, const char *url, cf_error_t *error);
void cf_tables_destroy (cf_tables_t **self_p);

/*  One statement; user NULL: ours, with all rights. 0 with *result (yours to cf_db_result_destroy), or -1 with error: INVALID where
    it holds a value that a column cannot take, or the database's. Statements that change something are writes. */
int cf_tables_read (cf_tables_t *self, cf_task_t *task, const char *user, cf_db_result_t **result, cf_error_t *error,
                    const char *sql, size_t count, const char *const *params);
int cf_tables_write (cf_tables_t *self, cf_task_t *task, const char *user, cf_db_result_t **result, cf_error_t *error,
                     const char *sql, size_t count, const char *const *params);
/*  Statements all or none, each for its user of users (NULL: ours); results as cf_db_unit. */
int cf_tables_write_unit (cf_tables_t *self, cf_task_t *task, const char *const *users, const cf_db_statement_t *statements,
                          size_t count, cf_db_result_t **results, cf_error_t *error);

/*  With the parameters, all of them char pointers, as arguments. */
#define CF_TABLES_READ(self_, task_, user_, result_, error_, sql_, ...)                                         \
    cf_tables_read (self_, task_, user_, result_, error_, sql_,                                                 \
                    sizeof (const char *[]) { __VA_ARGS__ } / sizeof (const char *), (const char *[]) { __VA_ARGS__ })
#define CF_TABLES_WRITE(self_, task_, user_, result_, error_, sql_, ...)                                        \
    cf_tables_write (self_, task_, user_, result_, error_, sql_,                                                \
                     sizeof (const char *[]) { __VA_ARGS__ } / sizeof (const char *), (const char *[]) { __VA_ARGS__ })

/*  Whether what was found can be sent: its value is null where it is more than CF_TABLES_ANSWER_BYTES. -1 with INVALID, naming it
    ("The project's files"), and *result NULL where it cannot. */
int cf_tables_check_size (cf_db_result_t **result, const char *what, cf_error_t *error);

/*  Deletes by a statement of ours that takes one parameter and says with what; rows deleted, or -1 with error. */
int cf_tables_prune (cf_tables_t *self, cf_task_t *task, const char *sql, uint64_t parameter, cf_error_t *error);
#define CF_TABLES_PRUNE_ROWS 10000      /* at once; written into each such statement */
#define CF_TABLES_PRUNE_LIMIT " limit 10000"

/*  A number as a parameter: cf_tables_number (&(cf_tables_number_t) { 0 }, 7). */
typedef struct {
    char text [24];
} cf_tables_number_t;
const char *cf_tables_number (cf_tables_number_t *number, uint64_t value);

/*  A column of type timestamptz as the HTTP API writes it. */
#define CF_TABLES_TIME(column_) "to_char (" #column_ " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as " #column_

/*  What kept a statement from doing what the user asked is its second column, the verdict: '' where nothing did. Where it is a
    bound that was passed, the first column is that bound. No row at all: there is no such project for that user. */
#define CF_TABLES_ARCHIVED "archived"           /* the project is, and nothing is written to it */
#define CF_TABLES_NO_STUDENT "mode"             /* the project is not in student mode */
#define CF_TABLES_NO_FILE "file"
#define CF_TABLES_UNSAFE "path"                 /* a file's path would lead out of a folder the files are written to */
#define CF_TABLES_NO_ROADMAP "roadmap"
#define CF_TABLES_TAKEN "session"               /* a session of another project has that id */
#define CF_TABLES_STALE "version"               /* the file is not at that version */
#define CF_TABLES_PAST_STEP "step_index"
#define CF_TABLES_PAST_MODULE "module_index"

#endif
