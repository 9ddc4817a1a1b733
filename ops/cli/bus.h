/* SPDX-License-Identifier: MPL-2.0 */
/*  bus - the commands as peers on the bus of the CodeForge that runs in CODEFORGE_HOME
 *
 *  Whoever may read its folder may ask any actor; there is no other right to have. A peer of this kind takes no calls.
 */
#ifndef CF_CLI_BUS_H
#define CF_CLI_BUS_H

#include "actors/lib/call.h"

/*  For commands that are one conversation: runs fn in a task that may cf_call; its result, or an exit status with a message
    on stderr where nothing runs. */
typedef int (cf_bus_fn) (cf_task_t *task, void *arg);
int cf_bus_converse (cf_bus_fn *fn, void *arg);

#endif
