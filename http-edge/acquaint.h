/* SPDX-License-Identifier: MPL-2.0 */
/*  acquaint - the profile of a verified user comes into being when we first see them */
#ifndef CF_EDGE_ACQUAINT_H
#define CF_EDGE_ACQUAINT_H

#include "actors/lib/task.h"

/*  Asks the store for user's profile, which makes it, unless this process has seen the user lately. Returns at once; nobody waits
    for it, and a failure is tried again with the user's next request. */
void cf_acquaint (cf_loop_t *loop, const char *user);
/*  Forgets everyone (at shutdown). */
void cf_acquaint_free (void);

#endif
