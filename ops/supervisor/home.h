/* SPDX-License-Identifier: MPL-2.0 */
/*  home - CODEFORGE_HOME, the folder of all state: made, checked and locked before anything is started
 *
 *      run/      sockets, the lock        log/      codeforge.log and its predecessors
 *      secrets/  the development secret   postgres/ the private database
 *
 *  Functions return 0, or an exit status of exits.h with a sentence for people in error.
 */
#ifndef CF_SUPERVISOR_HOME_H
#define CF_SUPERVISOR_HOME_H

#include "proto/base/error.h"

#include <stddef.h>
#include <sys/types.h>

#define CF_HOME_MAX 80                  /* bytes of its absolute path: 108 of a socket's address less the longest name in it */
#define CF_HOME_ROOM_MB 32              /* free space below which nothing is started */

/*  Replaces CODEFORGE_HOME by its absolute path, whether the folder is there or not. */
int cf_home_resolve (cf_error_t *error);
/*  Makes the folders that are missing; nobody else may look into them. */
int cf_home_make (cf_error_t *error);
/*  Refuses a disk with less than CF_HOME_ROOM_MB free. */
int cf_home_check_room (cf_error_t *error);
/*  Takes the lock that one supervisor a home holds; *fd is its descriptor, to be kept open. */
int cf_home_lock (int *fd, cf_error_t *error);
/*  Process id of the supervisor that holds the lock, 0 where none does. */
pid_t cf_home_locked_by (void);
/*  Refuses a certificate or key that cannot be used; makes their paths absolute, since processes live in another folder. */
int cf_home_check_certificate (cf_error_t *error);
/*  Refuses a port of the HTTP API that somebody else listens on. */
int cf_home_check_port (cf_error_t *error);

/*  Reads a file below HOME that holds one line into text, without the newline. 0, or -1 with errno. */
int cf_home_read_line (const char *relative, char *text, size_t size);
/*  Writes such a file with mode 0600, in one step (rename). 0, or -1 with errno. */
int cf_home_write_line (const char *relative, const char *text);

#endif
