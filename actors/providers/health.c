/* SPDX-License-Identifier: MPL-2.0 */
/*  health - a mirror of state.breaker.*, a row per provider of the table */

#include "actors/providers/health.h"
#include "actors/lib/call.h"
#include "actors/lib/event.h"
#include "actors/providers/circuit.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <string.h>

#define CF_HEALTH_ASK_MS 300            /* a breaker that has not answered by then is not waited for */
#define CF_HEALTH_SILENCE_MS 1000       /* and not asked again for so long */
#define CF_HEALTH_PROVIDERS 64

typedef struct {
    bool heard;
    cf_circuit_state_t state;
    uint32_t failures;
    uint64_t since_wall_us;
} heard_t;

static heard_t s_heard [CF_HEALTH_PROVIDERS];   /* in the order of the table */
static uint64_t s_silent_until_ms;
static cf_subscription_t *s_subscription;

static heard_t *
s_row (const cf_provider_t *provider)
{
    return &s_heard [provider - cf_provider_at (0)];
}

static void
s_on_state (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    const cf_breaker_state_t *state = fields;
    if (!state || envelope->message != CF_BREAKER_STATE)
        return;
    const cf_provider_t *provider = cf_provider_named (state->provider, strlen (state->provider));
    cf_circuit_state_t circuit = cf_circuit_named (state->state);
    if (provider && circuit != CF_CIRCUIT_STATES)
        *s_row (provider) = (heard_t) { true, circuit, state->failures, state->since_wall_us };
}

void
cf_health_listen (void)
{
    s_subscription = cf_event_subscribe ("state.breaker.*", s_on_state, NULL);
}

void
cf_health_free (void)
{
    cf_event_unsubscribe (&s_subscription);
    memset (s_heard, 0, sizeof s_heard);
}

static bool
s_is_flawless (const heard_t *heard)
{
    return heard->heard && heard->state == CF_CIRCUIT_CLOSED && heard->failures == 0;
}

/*  What was last heard, taken for the truth. */
static bool
s_allowed (const heard_t *heard)
{
    uint64_t over_us = heard->since_wall_us + cf_config_u64 (CF_CONFIG_BREAKER_OPEN_MS) * 1000u;
    return !heard->heard || heard->state != CF_CIRCUIT_OPEN || cf_clock_wall_us () >= over_us;
}

/*  Notes that the breaker did not answer; a task that was cancelled says nothing about the breaker. */
static void
s_note_silence (cf_task_t *task, const cf_error_t *error)
{
    if (cf_task_wait_status (task, NULL) == 0) {
        s_silent_until_ms = cf_clock_ms () + CF_HEALTH_SILENCE_MS;
        cf_log_warning ("the breaker does not answer: %s", error->text);
    }
}

int
cf_health_ask (cf_task_t *task, const cf_provider_t *provider, cf_error_t *error)
{
    const heard_t *heard = s_row (provider);
    if (s_is_flawless (heard))
        return 1;
    if (cf_clock_ms () < s_silent_until_ms)
        return s_allowed (heard);
    cf_error_t reason = { 0 };
    cf_breaker_says_t *says = cf_call_once (task, "breaker", CF_BREAKER_ASK, &(cf_breaker_ask_t) { .provider = provider->name },
                                            CF_HEALTH_ASK_MS, &reason);
    if (cf_task_wait_status (task, error)) {
        cf_codec_free (&says);
        return -1;
    }
    if (!says) {
        s_note_silence (task, &reason);
        return s_allowed (heard);
    }
    bool allowed = says->allowed;
    cf_codec_free (&says);
    return allowed;
}

void
cf_health_report (cf_task_t *task, const cf_provider_t *provider, cf_failure_class_t failure)
{
    bool succeeded = failure == CF_FAILURE_NONE;
    if ((succeeded && s_is_flawless (s_row (provider))) || cf_clock_ms () < s_silent_until_ms)
        return;
    cf_error_t reason = { 0 };
    cf_breaker_report_t report = { .provider = provider->name, .succeeded = succeeded, .failure = succeeded? "": cf_failure_row (failure)->name };
    cf_breaker_noted_t *noted = cf_call_once (task, "breaker", CF_BREAKER_REPORT, &report, CF_HEALTH_ASK_MS, &reason);
    if (!noted)
        s_note_silence (task, &reason);
    cf_codec_free (&noted);
}
