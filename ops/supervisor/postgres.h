/* SPDX-License-Identifier: MPL-2.0 */
/*  postgres - the private PostgreSQL: a cluster below CODEFORGE_HOME, reached through one Unix socket
 *
 *  Nobody else can reach it: no TCP port, and a socket folder of mode 0700. Whoever is in that folder is trusted.
 *
 *  Order of use: prepare, start plan.argv, ready until it says 0, bootstrap.
 *  If it dies: start plan.argv again; PostgreSQL recovers by itself, nothing needs preparing.
 */
#ifndef CF_SUPERVISOR_POSTGRES_H
#define CF_SUPERVISOR_POSTGRES_H

#include "ops/supervisor/cluster.h"
#include "proto/base/error.h"

/*  All that starting and using the server takes, filled by prepare. Not to be copied: argv points into it. */
typedef struct {
    char *argv [CF_CLUSTER_ARGV_MAX];   /* argv [0] is an absolute path; to be started as our own user; NULL-terminated */
    int stop_signal;            /* SIGINT: ends clients and stops, 30 ms; SIGTERM would wait for clients */
    char url [512];             /* DATABASE_URL for role codeforge */
    char admin_url [512];       /* superuser in database postgres; the supervisor's alone */
    char grant_url [512];       /* superuser in database codeforge; the same */
    cf_cluster_t cluster;       /* folders, program folder, user */
    char program [160];         /* these two back argv */
    char setting [1100];
} cf_postgres_plan_t;

/*  Finds the installed PostgreSQL, makes the cluster below home (an existing folder) where there is none yet, writes
    our settings and fills plan. An interrupted first start leaves nothing that the next one would take for a
    cluster. Waits up to 10 s for a server that is just stopping. Blocks (first time 1 s). 0, or -1 with a sentence
    for the operator: INVALID (not installed, wrong version, path too long, no user postgres, disk full, not ours) or
    CONFLICT (a running server uses the folder). */
int cf_postgres_prepare (cf_postgres_plan_t *plan, const char *home, cf_error_t *error);

/*  Asks once whether the server takes connections: 0, or -1 (DATABASE_DOWN) with what it said. */
int cf_postgres_ready (const cf_postgres_plan_t *plan, cf_error_t *error);

/*  Makes role codeforge (neither superuser nor beyond row level security), its database and the vector type in it,
    where absent. The server must be ready. 0, or -1. */
int cf_postgres_bootstrap (const cf_postgres_plan_t *plan, cf_error_t *error);

#endif
