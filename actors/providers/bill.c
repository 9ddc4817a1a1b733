/* SPDX-License-Identifier: MPL-2.0 */
/*  bill - one name for all attempts of a call, so that whatever is said twice counts once */

#include "actors/providers/bill.h"
#include "actors/lib/call.h"
#include "proto/base/log.h"

#include <string.h>

#define CF_BILL_CLOSE_MS 5000           /* not heard by then, what was reserved counts as lost when the job ends */

void
cf_bill_init (cf_bill_t *self, const char *step)
{
    *self = (cf_bill_t) { .step = step };
    if (*step && cf_route_budget ())
        cf_uuid_new (self->hold);
}

uint64_t
cf_bill_most (const cf_route_t *route, const cf_provider_ask_t *ask)
{
    double input = (double) (strlen (ask->system) + strlen (ask->input) + strlen (ask->format)) + CF_BILL_FRAME_TOKENS;
    double millionths = input * route->input_price + ask->max_tokens * route->output_price;
    uint64_t whole = (uint64_t) millionths;
    return whole + (millionths > (double) whole);
}

int
cf_bill_reserve (cf_bill_t *self, cf_task_t *task, const cf_route_t *route, const cf_provider_ask_t *ask, cf_error_t *error)
{
    if (!*self->hold)
        return 0;
    if (!ask->max_tokens && route->output_price > 0)
        return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "%s has no limit in %s, which %s asks for", route->name,
                             cf_config_name (CF_CONFIG_MODEL_MAX_TOKENS), cf_route_budget ());
    const cf_task_context_t *context = cf_task_context (task);
    self->open = true;
    cf_budget_granted_t *granted = cf_call_patiently (task, CF_BUDGET_RESERVE, &(cf_budget_reserve_t) {
        .hold = self->hold,
        .job = context->job,
        .attempt = context->attempt,
        .step = self->step,
        .most_microusd = cf_bill_most (route, ask),
        .lost_microusd = self->lost
    }, UINT32_MAX, error);
    if (!granted && error->code == CF_ERROR_BUDGET_EXCEEDED)
        self->open = false;             /* with the refusal it has ended */
    int rc = granted? 0: -1;
    cf_codec_free (&granted);
    return rc;
}

void
cf_bill_close (cf_bill_t *self, cf_task_t *task)
{
    if (!self->open)
        return;
    cf_error_t error = { 0 };
    cf_task_shield (task, true);
    cf_task_limit (task, CF_BILL_CLOSE_MS);
    cf_job_noted_t *noted = cf_call_patiently (task, CF_BUDGET_RELEASE, &(cf_budget_release_t) {
        .hold = self->hold, .job = cf_task_context (task)->job, .lost_microusd = self->lost
    }, CF_BILL_CLOSE_MS, &error);
    cf_task_shield (task, false);
    if (!noted)
        cf_log_warning ("what was reserved for step %s is not released: %s", self->step, error.text);
    cf_codec_free (&noted);
    self->open = false;
}
