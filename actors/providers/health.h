/* SPDX-License-Identifier: MPL-2.0 */
/*  health - what the router last heard of each provider's circuit, so that a healthy one costs no question
 *
 *  Without a breaker, calls go on with what was last heard; a circuit that was open then counts as closed once its wait
 *  is over.
 */
#ifndef CF_PROVIDERS_HEALTH_H
#define CF_PROVIDERS_HEALTH_H

#include "actors/lib/task.h"
#include "actors/providers/provider.h"

/*  Begins to listen to the circuits' states, on the process's link. */
void cf_health_listen (void);
void cf_health_free (void);

/*  Whether a call may be made now. Asks the breaker, for at most 300 ms, unless the circuit is closed without a failure.
    1, 0, or -1 with error when the task was cancelled or overdue meanwhile. */
int cf_health_ask (cf_task_t *task, const cf_provider_t *provider, cf_error_t *error);
/*  Tells the breaker how a call ended (CF_FAILURE_NONE: well), unless that changes nothing. */
void cf_health_report (cf_task_t *task, const cf_provider_t *provider, cf_failure_class_t failure);

#endif
