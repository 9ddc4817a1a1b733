/* SPDX-License-Identifier: MPL-2.0 */
/*  breaker - remembers which model providers are healthy
 *
 *  Owns:       one circuit per provider (at most 64); published as state.breaker.NAME on every change, from where a
 *              restart takes it back: the broker gives the last values before it lets the first call in.
 *  Answers:    BREAKER_ASK    -> BREAKER_SAYS    may I call this provider now?
 *              BREAKER_REPORT -> BREAKER_NOTED   a call ended well or badly
 *              BREAKER_LIST   -> BREAKER_LISTED  every circuit, for operators
 *              BREAKER_RESET  -> BREAKER_NOTED   an operator knows that the provider is well
 *  Asks:       nobody.
 *  Stops:      on TERM, at once; nothing to flush.
 *  If it dies: the router goes on with what it last heard.
 */

#include "actors/lib/actor.h"
#include "actors/providers/circuit.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CF_BREAKER_PROVIDERS 64         /* known at once; more are refused */
#define CF_BREAKER_NAME_SIZE 64
#define CF_BREAKER_TOPIC "state.breaker."

typedef struct self_t self_t;

typedef struct {
    UT_hash_handle hh;
    char name [CF_BREAKER_NAME_SIZE];
    cf_circuit_t circuit;
    uint64_t since_wall_us;             /* when it took its state */
    uint64_t due_ms;                    /* monotonic: when the wait in OPEN or HALF_OPEN is over */
    uint64_t opened, probes;            /* how often, since this process began */
    cf_timer_t timer;
    self_t *self;
} provider_t;

struct self_t {
    cf_loop_t *loop;
    provider_t *providers;
    cf_subscription_t *subscription;
};

static void
s_publish (const provider_t *provider)
{
    char topic [sizeof CF_BREAKER_TOPIC + CF_BREAKER_NAME_SIZE];
    snprintf (topic, sizeof topic, CF_BREAKER_TOPIC "%s", provider->name);
    cf_event_publish (topic, "", CF_BREAKER_STATE, &(cf_breaker_state_t) {
        .provider = provider->name,
        .state = cf_circuit_name (provider->circuit.state),
        .failures = provider->circuit.failures,
        .since_wall_us = provider->since_wall_us
    }, 0);
}

static bool s_feed (provider_t *provider, cf_circuit_event_t event);

static void
s_on_waited (void *arg)
{
    s_feed (arg, CF_CIRCUIT_WAITED);
}

/*  Arms the wait that the present state knows, of which gone_ms have passed already. */
static void
s_wait (provider_t *provider, uint64_t gone_ms)
{
    cf_timer_clear (provider->self->loop, &provider->timer);
    if (provider->circuit.state == CF_CIRCUIT_CLOSED)
        return;
    uint64_t wait_ms = cf_config_u64 (CF_CONFIG_BREAKER_OPEN_MS);
    wait_ms = gone_ms < wait_ms? wait_ms - gone_ms: 0;
    provider->due_ms = cf_clock_ms () + wait_ms;
    cf_timer_set (provider->self->loop, &provider->timer, wait_ms, s_on_waited, provider);
}

static void
s_count (provider_t *provider, cf_circuit_state_t former, bool allowed)
{
    cf_circuit_state_t state = provider->circuit.state;
    size_t open = 0;
    for (const provider_t *each = provider->self->providers; each; each = each->hh.next)
        open += each->circuit.state != CF_CIRCUIT_CLOSED;
    cf_metric_set (CF_METRIC_breaker_circuits_open, open);
    if (state == CF_CIRCUIT_OPEN && former != state) {
        provider->opened++;
        cf_metric_add (CF_METRIC_breaker_opened_total, 1);
    }
    if (state == CF_CIRCUIT_HALF_OPEN && allowed) {
        provider->probes++;
        cf_metric_add (CF_METRIC_breaker_probes_total, 1);
    }
}

/*  Gives the circuit an event and makes known what changed. Whether a call may be made. */
static bool
s_feed (provider_t *provider, cf_circuit_event_t event)
{
    cf_circuit_t former = provider->circuit;
    bool allowed = cf_circuit_take (&provider->circuit, event);
    if (provider->circuit.state != former.state) {
        provider->since_wall_us = cf_clock_wall_us ();
        cf_log_warning ("circuit of %s: %s -> %s", provider->name, cf_circuit_name (former.state),
                        cf_circuit_name (provider->circuit.state));
    }
    if (provider->circuit.state != former.state || event == CF_CIRCUIT_WAITED)
        s_wait (provider, 0);
    if (provider->circuit.state != former.state || provider->circuit.failures != former.failures)
        s_publish (provider);
    s_count (provider, former.state, allowed);
    return allowed;
}

static bool
s_name_valid (const char *name)
{
    size_t size = strlen (name);
    return size > 0 && size < CF_BREAKER_NAME_SIZE && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == size;
}

static provider_t *
s_add (self_t *self, const char *name)
{
    provider_t *provider = HASH_COUNT (self->providers) < CF_BREAKER_PROVIDERS? calloc (1, sizeof *provider): NULL;
    if (!provider)
        return NULL;
    snprintf (provider->name, sizeof provider->name, "%s", name);
    provider->self = self;
    provider->since_wall_us = cf_clock_wall_us ();
    HASH_ADD_STR (self->providers, name, provider);
    return provider;
}

/*  The provider a request names; a new one is closed, and published so that nobody needs to ask about it again. */
static provider_t *
s_provider (cf_task_t *task, self_t *self, const char *name)
{
    if (!s_name_valid (name)) {
        cf_fail_with (task, CF_ERROR_INVALID, "not the name of a provider", "");
        return NULL;
    }
    provider_t *provider;
    HASH_FIND_STR (self->providers, name, provider);
    if (provider)
        return provider;
    provider = s_add (self, name);
    if (provider)
        s_publish (provider);
    else
        cf_fail_with (task, CF_ERROR_BUSY, "no circuit is left for another provider", "");
    return provider;
}

static void
s_on_breaker_ask (cf_task_t *task, const void *fields, void *owner)
{
    const cf_breaker_ask_t *ask = fields;
    provider_t *provider = s_provider (task, owner, ask->provider);
    if (!provider)
        return;
    bool allowed = s_feed (provider, CF_CIRCUIT_ASKED);
    uint64_t now_ms = cf_clock_ms ();
    cf_reply (task, &(cf_breaker_says_t) {
        .allowed = allowed,
        .state = cf_circuit_name (provider->circuit.state),
        .wait_ms = allowed || provider->due_ms < now_ms? 0: (uint32_t) (provider->due_ms - now_ms)
    });
}

static void
s_on_breaker_report (cf_task_t *task, const void *fields, void *owner)
{
    const cf_breaker_report_t *report = fields;
    provider_t *provider = s_provider (task, owner, report->provider);
    if (!provider)
        return;
    if (!report->succeeded)
        cf_log_debug ("%s failed: %.64s", provider->name, report->failure);
    s_feed (provider, report->succeeded? CF_CIRCUIT_GOOD: CF_CIRCUIT_BAD);
    cf_reply (task, &(cf_breaker_noted_t) { 0 });
}

static void
s_on_breaker_reset (cf_task_t *task, const void *fields, void *owner)
{
    const cf_breaker_reset_t *reset = fields;
    self_t *self = owner;
    provider_t *provider = NULL;
    if (s_name_valid (reset->provider))
        HASH_FIND_STR (self->providers, reset->provider, provider);
    if (!provider) {
        cf_fail_with (task, CF_ERROR_NOT_FOUND, "no provider of that name has been called yet", "");
        return;
    }
    s_feed (provider, CF_CIRCUIT_RESET);
    cf_log_warning ("circuit of %s: reset", provider->name);
    cf_reply (task, &(cf_breaker_noted_t) { 0 });
}

static int
s_compare (const provider_t *one, const provider_t *other)
{
    return strcmp (one->name, other->name);
}

static void
s_on_breaker_list (cf_task_t *task, const void *fields, void *owner)
{
    (void) fields;
    self_t *self = owner;
    cf_json_t *circuits = json_array ();
    HASH_SORT (self->providers, s_compare);
    for (const provider_t *provider = self->providers; provider; provider = provider->hh.next)
        json_array_append_new (circuits, json_pack ("{sssssIsIsIsI}", "provider", provider->name,
            "state", cf_circuit_name (provider->circuit.state), "failures", (json_int_t) provider->circuit.failures,
            "since_wall_us", (json_int_t) provider->since_wall_us, "opened", (json_int_t) provider->opened,
            "probes", (json_int_t) provider->probes));
    char *text = cf_json_print (circuits);
    cf_reply (task, &(cf_breaker_listed_t) { .circuits = text? text: "[]" });
    free (text);
    json_decref (circuits);
}

/*  What a former process of ours published; what we know ourselves is newer. */
static void
s_on_state (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    self_t *self = arg;
    const cf_breaker_state_t *state = fields;
    provider_t *provider = NULL;
    if (!state || envelope->message != CF_BREAKER_STATE || !s_name_valid (state->provider)
        || cf_circuit_named (state->state) == CF_CIRCUIT_STATES)
        return;
    HASH_FIND_STR (self->providers, state->provider, provider);
    if (provider || !(provider = s_add (self, state->provider)))
        return;
    cf_circuit_enter (&provider->circuit, cf_circuit_named (state->state));
    provider->circuit.failures = state->failures;
    provider->since_wall_us = state->since_wall_us;
    uint64_t now_us = cf_clock_wall_us ();
    s_wait (provider, now_us > state->since_wall_us? (now_us - state->since_wall_us) / 1000u: 0);
    s_count (provider, provider->circuit.state, false);
    cf_log_info ("circuit of %s: taken back as %s", provider->name, state->state);
}

/*  A new broker remembers nothing of what was published. */
static void
s_on_joined (void *arg)
{
    self_t *self = arg;
    for (provider_t *provider = self->providers; provider; provider = provider->hh.next)
        s_publish (provider);
}

static void
s_free_providers (self_t *self)
{
    provider_t *provider, *next;
    HASH_ITER (hh, self->providers, provider, next) {
        HASH_DEL (self->providers, provider);
        free (provider);
    }
}

int
main (void)
{
    static const cf_handler_t handlers [] = {
        { CF_BREAKER_ASK, s_on_breaker_ask },
        { CF_BREAKER_REPORT, s_on_breaker_report },
        { CF_BREAKER_RESET, s_on_breaker_reset },
        { CF_BREAKER_LIST, s_on_breaker_list }
    };
    self_t self = { 0 };
    cf_actor_t *actor = cf_actor_new (CF_ACTOR_BREAKER, handlers, sizeof handlers / sizeof handlers [0], &self);
    self.loop = cf_actor_loop (actor);
    self.subscription = cf_event_subscribe (CF_BREAKER_TOPIC "*", s_on_state, &self);
    cf_link_on_joined (cf_link_here (), s_on_joined, &self);
    cf_actor_ready (actor);
    int exit_code = cf_actor_run (&actor);
    cf_event_unsubscribe (&self.subscription);
    s_free_providers (&self);
    return exit_code;
}
