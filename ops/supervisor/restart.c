/* SPDX-License-Identifier: MPL-2.0 */
/*  restart - a ring of the last restarts says whether there were too many, the last delay what the next one is */

#include "ops/supervisor/restart.h"

int64_t
cf_restart_next (cf_restart_t *self, uint64_t now_ms, uint64_t uptime_ms)
{
    if (self->count == CF_RESTART_INTENSITY && now_ms - self->at_ms [self->next] < CF_RESTART_PERIOD_MS)
        return -1;
    if (uptime_ms > CF_RESTART_MATURE_MS)
        self->delay_ms = 0;
    else if (self->delay_ms == 0)
        self->delay_ms = CF_RESTART_FIRST_MS;
    else
        self->delay_ms = 2 * self->delay_ms < CF_RESTART_MOST_MS? 2 * self->delay_ms: CF_RESTART_MOST_MS;
    self->at_ms [self->next] = now_ms + self->delay_ms;
    self->next = (self->next + 1) % CF_RESTART_INTENSITY;
    self->count += self->count < CF_RESTART_INTENSITY;
    return self->delay_ms;
}
