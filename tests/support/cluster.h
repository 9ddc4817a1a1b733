/* SPDX-License-Identifier: MPL-2.0 */
/*  cluster - a private PostgreSQL for tests, in a temporary folder
 *
 *  The server is a child of the test, and ends with it even where the test fails.
 */
#ifndef CF_TESTS_CLUSTER_H
#define CF_TESTS_CLUSTER_H

#include "ops/supervisor/postgres.h"
#include "ops/supervisor/sql.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    char top [64];              /* mode 0700 */
    char home [80];             /* below it, with characters that need care */
    cf_postgres_plan_t plan;
    pid_t pid;                  /* 0 while not running */
} cluster_t;

static inline void cluster_folder (cluster_t *self)
{
    memset (self, 0, sizeof *self);
    snprintf (self->top, sizeof self->top, "/tmp/cf-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (self->top));
    snprintf (self->home, sizeof self->home, "%s/a b%%", self->top);
    ck_assert_int_eq (mkdir (self->home, 0700), 0);
}

static inline void cluster_prepare (cluster_t *self)
{
    cf_error_t error = { 0 };
    ck_assert_msg (cf_postgres_prepare (&self->plan, self->home, &error) == 0, "%s", error.text);
}

static inline void cluster_launch (cluster_t *self)
{
    self->pid = fork ();
    if (self->pid == 0) {
        int nowhere = open ("/dev/null", O_RDWR);
        dup2 (nowhere, 2);
        execv (self->plan.argv [0], self->plan.argv);
        _exit (127);
    }
    cf_error_t error = { 0 };
    while (cf_postgres_ready (&self->plan, &error)) {
        ck_assert_msg (waitpid (self->pid, NULL, WNOHANG) == 0, "the server ended: %s", error.text);
        nanosleep (&(struct timespec) { .tv_nsec = 20000000 }, NULL);
    }
}

/*  Sends the signal and waits; returns the status of wait. */
static inline int cluster_end (cluster_t *self, int signal_number)
{
    int status = 0;
    kill (self->pid, signal_number);
    waitpid (self->pid, &status, 0);
    self->pid = 0;
    return status;
}

static inline void cluster_start (cluster_t *self)
{
    cluster_folder (self);
    cluster_prepare (self);
    cluster_launch (self);
    cf_error_t error = { 0 };
    ck_assert_msg (cf_postgres_bootstrap (&self->plan, &error) == 0, "%s", error.text);
}

static inline int cluster_remove_entry (const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void) status;
    (void) kind;
    (void) walk;
    return remove (path);
}

static inline void cluster_remove (cluster_t *self)
{
    if (self->pid)
        cluster_end (self, SIGINT);
    nftw (self->top, cluster_remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static inline cf_sql_t *cluster_open (const char *url)
{
    cf_error_t error = { 0 };
    cf_sql_t *sql = cf_sql_new (url, &error);
    ck_assert_msg (sql != NULL, "%s", error.text);
    return sql;
}

static inline void cluster_run (cf_sql_t *sql, const char *statement)
{
    cf_error_t error = { 0 };
    ck_assert_msg (cf_sql_run (sql, statement, &error) == 0, "%s: %s", statement, error.text);
}

/*  First value of the first row, "" where there is none; valid until the 4th next call. */
static inline const char *cluster_value (cf_sql_t *sql, const char *statement)
{
    static char texts [4] [4096];
    static unsigned turn;
    char *text = texts [turn++ % 4];
    cf_error_t error = { 0 };
    cf_sql_rows_t *rows = cf_sql_ask (sql, statement, NULL, 0, &error);
    ck_assert_msg (rows != NULL, "%s: %s", statement, error.text);
    snprintf (text, sizeof texts [0], "%s", cf_sql_rows_count (rows)? cf_sql_rows_text (rows, 0, 0): "");
    cf_sql_rows_destroy (&rows);
    return text;
}

/*  The statement must be refused; returns the reason, valid until the next call. */
static inline const char *cluster_refused (cf_sql_t *sql, const char *statement)
{
    static cf_error_t error;
    error = (cf_error_t) { 0 };
    ck_assert_msg (cf_sql_run (sql, statement, &error) == -1, "%s was not refused", statement);
    return error.text;
}

#endif
