/* SPDX-License-Identifier: MPL-2.0 */
/*  cluster - the folder PostgreSQL keeps its data in: found, made, checked; and how a program is started on it
 *
 *  PostgreSQL refuses to run as root; so when we are root it runs as user `postgres`, which owns data and socket folder
 *  but need not be able to search the folders above: a shell opens both while it still is root and changes the
 *  user with setpriv; the program finds them as /proc/self/fd/N. (Rejected: making every folder above, perhaps
 *  /root, searchable for all.)
 */
#ifndef CF_SUPERVISOR_CLUSTER_H
#define CF_SUPERVISOR_CLUSTER_H

#include "proto/base/error.h"

#include <stddef.h>
#include <sys/types.h>

#define CF_CLUSTER_USER "postgres"      /* whom root becomes, and the superuser in the cluster */
#define CF_CLUSTER_ARGV_MAX 20
#define CF_CLUSTER_SOCKET "/.s.PGSQL.5432"

typedef struct {
    char home [512];            /* absolute */
    char data [512];            /* HOME/postgres */
    char sockets [512];         /* HOME/run/pg */
    char binaries [128];        /* of the PostgreSQL that fits: /usr/lib/postgresql/15/bin */
    uid_t uid;                  /* whom the server runs as */
    gid_t gid;
} cf_cluster_t;

/*  Fills self for home, an existing folder; makes the cluster where there is none, under another name until it is
    whole; refuses one in use; writes our settings. 0, or -1 with a sentence: INVALID or CONFLICT (see postgres.h). */
int cf_cluster_prepare (cf_cluster_t *self, const char *home, cf_error_t *error);

/*  Begins argv with what makes root another user and ties the program to our life, then program and -D data. Returns how
    many words that is (at most 12); the words are borrowed from the arguments and from static storage. */
size_t cf_cluster_argv (char *argv [], const char *program, const char *data, const char *sockets);
/*  The socket folder as the program finds it. */
const char *cf_cluster_sockets (const cf_cluster_t *self);

#endif
