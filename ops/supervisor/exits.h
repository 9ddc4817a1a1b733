/* SPDX-License-Identifier: MPL-2.0 */
/*  exits - how the commands end, after sysexits.h */
#ifndef CF_SUPERVISOR_EXITS_H
#define CF_SUPERVISOR_EXITS_H

#define CF_EXIT_OK 0
#define CF_EXIT_FAILED 1                /* what was asked for was done and did not succeed */
#define CF_EXIT_USAGE 64
#define CF_EXIT_UNAVAILABLE 69          /* something that is needed is not there: a port, a server, an executable */
#define CF_EXIT_SOFTWARE 70
#define CF_EXIT_CANTCREATE 73           /* a file, a folder, no space */
#define CF_EXIT_NOPERM 77
#define CF_EXIT_SETTINGS 78
#define CF_EXIT_INTERRUPTED 130         /* Ctrl-C, as shells report it */

#endif
