/* SPDX-License-Identifier: MPL-2.0 */
/*  router - chooses models and talks to their providers
 *
 *  Owns:       the connections to the providers and their keys; for a moment, finished answers (providers/unsaved.h).
 *  Answers:    MODEL_CALL  -> MODEL_DONE    complete, cut off or refused; FAILED for all else, when nothing is left to try
 *              MODEL_EMBED -> MODEL_VECTOR
 *  Asks:       breaker (BREAKER_ASK, BREAKER_REPORT), only about a provider that is not known to be well;
 *              jobs: JOB_STEP: a finished answer is in the journal before its caller hears of it; where a budget is set also
 *              BUDGET_RESERVE before each attempt, BUDGET_RELEASE where no answer came of them.
 *  Tells:      MODEL_TOKENS on tokens.<job>, while somebody listens.
 *  Stops:      on TERM, when the calls in work have ended, after 5 s at the latest.
 *  If it dies: callers ask again; answers in the journal are not asked for again, unfinished ones begin anew.
 *
 *  What is done about a failure stands in providers/failures.def: wait and ask the same route again, or the next one. A
 *  cancelled call closes its provider's connection at once; a finished answer is no longer cancelled, it was paid for.
 */

#include "actors/lib/actor.h"
#include "actors/lib/call.h"
#include "actors/providers/attempt.h"
#include "actors/providers/bill.h"
#include "actors/providers/health.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"

#include <stdlib.h>
#include <string.h>

#define CF_ROUTER_CONNECTIONS 12000
#define CF_ROUTER_ATTEMPTS 3            /* on one route */
#define CF_ROUTER_BACKOFF_MAX_MS 30000
#define CF_ROUTER_JOURNAL_MS 60000      /* how long a finished answer is offered to the journal */
#define CF_ROUTER_STEP_MAX 200          /* bytes of a step's name */

typedef struct {
    cf_http_t *http;
} self_t;

/*  One call of a model, over all its attempts. */
typedef struct {
    self_t *self;
    cf_task_t *task;
    const cf_model_call_t *asked;
    const cf_routes_t *routes;
    struct { unsigned attempts; bool spent; } tries [CF_ROUTE_MAX];
    size_t at;                          /* route to be tried */
    cf_tokens_t tokens;
    cf_bill_t bill;
} call_t;

/* ---- choosing ---- */

/*  Moves on to the next route that may be tried, beginning with the present one; false when there is none. */
static bool
s_choose (call_t *call)
{
    for (size_t count = 0; count < call->routes->count; count++) {
        if (!call->tries [call->at].spent)
            return true;
        call->at = (call->at + 1) % call->routes->count;
    }
    return false;
}

/*  Whether a route other than the present one may be tried. */
static bool
s_has_other (const call_t *call)
{
    for (size_t at = 0; at < call->routes->count; at++)
        if (at != call->at && !call->tries [at].spent)
            return true;
    return false;
}

/*  Marks what a failure on the present route rules out. */
static void
s_rule_out (call_t *call, const cf_verdict_t *verdict)
{
    const cf_failure_row_t *row = cf_failure_row (verdict->failure);
    const cf_provider_t *provider = call->routes->routes [call->at].provider;
    bool exhausted = ++call->tries [call->at].attempts >= CF_ROUTER_ATTEMPTS;
    if (row->same == CF_FAILURE_SAME_NEVER || exhausted || verdict->final)
        call->tries [call->at].spent = true;
    for (size_t at = 0; at < call->routes->count; at++)
        if (row->next == CF_FAILURE_NEXT_OTHER && call->routes->routes [at].provider == provider)
            call->tries [at].spent = true;
}

/*  Doubles with each attempt; half of it is left to chance, so that many callers do not come back at once. */
static uint64_t
s_backoff_ms (unsigned attempts, uint32_t retry_after_ms)
{
    uint32_t chance;
    cf_uuid_random (&chance, sizeof chance);
    if (retry_after_ms)
        return retry_after_ms + chance % (retry_after_ms / 10 + 1);
    uint64_t pause_ms = cf_config_u64 (CF_CONFIG_ROUTER_BACKOFF_MS) << (attempts - 1);
    if (pause_ms > CF_ROUTER_BACKOFF_MAX_MS)
        pause_ms = CF_ROUTER_BACKOFF_MAX_MS;
    return pause_ms - chance % (pause_ms / 2 + 1);
}

/*  After a failure: stays with the route, moves to the next, and pauses where the same one is asked again. A pause that the
    call's time does not allow, or that is long where there is another route, rules the route out. 0, or -1 with error when the task was cancelled. */
static int
s_move_on (call_t *call, const cf_verdict_t *verdict, cf_error_t *error)
{
    size_t tried = call->at;
    if (cf_failure_row (verdict->failure)->same == CF_FAILURE_SAME_LAST)
        call->at = (call->at + 1) % call->routes->count;
    if (!s_choose (call) || call->at != tried)
        return 0;
    uint64_t pause_ms = s_backoff_ms (call->tries [tried].attempts, verdict->retry_after_ms);
    if (pause_ms >= cf_task_left_ms (call->task, UINT32_MAX) || (pause_ms > 2 * CF_ROUTER_BACKOFF_MAX_MS && s_has_other (call))) {
        call->tries [tried].spent = true;
        return 0;
    }
    return cf_task_sleep (call->task, pause_ms, error);
}

/* ---- asking ---- */

/*  What the caller is told if nothing else is left to try. */
static void
s_explain (const call_t *call, const cf_verdict_t *verdict, cf_error_t *error)
{
    const cf_route_t *route = &call->routes->routes [call->at];
    cf_error_code_t code = cf_failure_row (verdict->failure)->code;
    const char *key = cf_config_name (route->provider->key_setting);
    if (verdict->failure == CF_FAILURE_KEY && !cf_config_is_set (route->provider->key_setting))
        cf_error_set (error, code, "%s wants a key, and %s is not set", route->provider->name, key);
    else if (verdict->failure == CF_FAILURE_KEY)
        cf_error_set (error, code, "%s does not accept %s", route->provider->name, key);
    else if (verdict->failure == CF_FAILURE_NO_MODEL)
        cf_error_set (error, code, "%s: %s is not available", cf_config_name (call->routes->setting), route->name);
    else
        cf_error_set (error, code, "%s: %s", route->name, cf_failure_row (verdict->failure)->name);
}

/*  A rate limit speaks of us, not of the provider's health, until its attempts are used up. What else is no sign of sickness is an
    answer in good order, if only that we shall not have one: a probe that got it is a good one. */
static void
s_report (call_t *call, const cf_route_t *route, const cf_verdict_t *verdict)
{
    bool spent = call->tries [call->at].spent, sick = cf_failure_row (verdict->failure)->sick;
    if (verdict->failure != CF_FAILURE_RATE_LIMITED || spent)
        cf_health_report (call->task, route->provider, sick? verdict->failure: CF_FAILURE_NONE);
}

static void
s_note_failure (const cf_route_t *route, unsigned attempt, const cf_verdict_t *verdict)
{
    cf_metric_add (CF_METRIC_router_failures_total, 1);
    cf_log_warning ("%s: attempt %u: %s, status %ld", route->name, attempt, cf_failure_row (verdict->failure)->name, verdict->status);
}

static int
s_attempt (call_t *call, cf_answer_t *answer, cf_verdict_t *verdict, cf_error_t *error)
{
    const cf_model_call_t *asked = call->asked;
    const cf_route_t *route = &call->routes->routes [call->at];
    cf_provider_ask_t ask = {
        .model = route->model,
        .system = asked->system,
        .input = asked->input,
        .format = cf_provider_schema (route->provider, asked->schema, error),
        .max_tokens = cf_route_max_tokens (route, asked->max_tokens),
        .temperature = asked->temperature
    };
    if (!ask.format || cf_bill_reserve (&call->bill, call->task, route, &ask, error))
        return -1;
    int rc = cf_attempt_chat (call->task, call->self->http, route, &ask, &call->tokens, answer, verdict, error);
    call->bill.lost += verdict->lost;
    return rc;
}

/*  Asks until a model has answered. 0 with answer; -1 with error: the last failure, or why the task must end. */
static int
s_generate (call_t *call, cf_answer_t *answer, cf_error_t *error)
{
    cf_error_t reason = { 0 };
    cf_error_set (error, CF_ERROR_PROVIDER_DOWN, "%s", cf_error_sentence (CF_ERROR_PROVIDER_DOWN));
    while (s_choose (call)) {
        const cf_route_t *route = &call->routes->routes [call->at];
        cf_verdict_t verdict;
        int allowed = cf_health_ask (call->task, route->provider, &reason);
        if (allowed == 0) {
            call->tries [call->at].spent = true;
            continue;
        }
        if (allowed < 0 || s_attempt (call, answer, &verdict, &reason)) {
            *error = reason;
            return -1;
        }
        if (verdict.failure == CF_FAILURE_NONE) {
            s_report (call, route, &verdict);
            return 0;
        }
        s_explain (call, &verdict, error);
        s_rule_out (call, &verdict);
        s_note_failure (route, call->tries [call->at].attempts, &verdict);
        cf_tokens_restart (&call->tokens);
        s_report (call, route, &verdict);
        if (s_move_on (call, &verdict, &reason)) {
            *error = reason;
            return -1;
        }
    }
    return -1;
}

/* ---- answering ---- */

static void
s_reply (cf_task_t *task, const cf_answer_t *answer)
{
    cf_metric_add (CF_METRIC_router_calls_total, 1);
    cf_metric_add (CF_METRIC_router_first_token_ms_total, answer->first_token_ms);
    cf_log_debug ("%s: %s, %u + %u tokens, first after %u ms", answer->model, answer->outcome, answer->input_tokens,
                  answer->output_tokens, answer->first_token_ms);
    cf_reply (task, &(cf_model_done_t) {
        .outcome = answer->outcome,
        .text = answer->text,
        .provider = answer->provider,
        .model = answer->model,
        .input_tokens = answer->input_tokens,
        .output_tokens = answer->output_tokens,
        .cost_usd = answer->cost_usd,
        .first_token_ms = answer->first_token_ms
    });
}

/*  Puts an answer into the journal. 0, or -1 with error. */
static int
s_journal (cf_task_t *task, const char *step, const cf_answer_t *answer, cf_error_t *error)
{
    const cf_task_context_t *context = cf_task_context (task);
    cf_job_noted_t *noted = cf_call_patiently (task, CF_JOB_STEP, &(cf_job_step_t) {
        .job = context->job,
        .attempt = context->attempt,
        .name = step,
        .output = answer->text,
        .outcome = answer->outcome,
        .provider = answer->provider,
        .model = answer->model,
        .input_tokens = answer->input_tokens,
        .output_tokens = answer->output_tokens,
        .cost_usd = answer->cost_usd,
        .started_wall_us = answer->started_wall_us,
        .first_token_ms = answer->first_token_ms,
        .hold = answer->hold,
        .lost_microusd = answer->lost
    }, CF_ROUTER_JOURNAL_MS, error);
    int rc = noted? 0: -1;
    cf_codec_free (&noted);
    return rc;
}

/*  Whether the journal may yet take the answer, from a newer attempt or when it is back. */
static bool
s_is_worth_keeping (cf_error_code_t code)
{
    return code == CF_ERROR_STALE_ATTEMPT || code == CF_ERROR_TIMEOUT || code == CF_ERROR_BUSY || cf_error_retryable (code);
}

static void
s_settle (cf_task_t *task, const char *step, cf_unsaved_t *entry)
{
    cf_error_t error = { 0 };
    cf_unsaved_end_t end = CF_UNSAVED_SAVED;
    if (!cf_unsaved_is_saved (entry) && s_journal (task, step, cf_unsaved_answer (entry), &error)) {
        end = s_is_worth_keeping (error.code)? CF_UNSAVED_KEEP: CF_UNSAVED_DROP;
        cf_log_warning ("step %s is not in the journal: %s", step, error.text);
        cf_fail (task, &error);
    }
    else
        s_reply (task, cf_unsaved_answer (entry));
    cf_unsaved_end (&entry, end);
}

/*  A finished answer: into the journal first, where the call belongs to a job's step (then entry has it); then to the caller. From
    here on the task is neither cancelled nor overdue. */
static void
s_finish (call_t *call, cf_unsaved_t *entry, cf_answer_t *answer)
{
    cf_task_shield (call->task, true);
    cf_task_limit (call->task, 0);
    if (entry)
        s_settle (call->task, call->asked->step, entry);
    else
        s_reply (call->task, answer);
    cf_answer_free (answer);
    cf_task_shield (call->task, false);
}

/*  Our own caller's faults. 0, or -1 with error. */
static int
s_check (call_t *call, cf_error_t *error)
{
    const cf_model_call_t *asked = call->asked;
    if (!call->routes)
        return cf_error_set (error, CF_ERROR_INVALID, "no models are set for agent %.64s", asked->agent);
    if (call->routes->count == 0) {
        *error = call->routes->error;
        return -1;
    }
    if (!(asked->temperature >= 0 && asked->temperature <= 2))
        return cf_error_set (error, CF_ERROR_INVALID, "the temperature is not within 0 to 2");
    if (strlen (asked->step) > CF_ROUTER_STEP_MAX)
        return cf_error_set (error, CF_ERROR_INVALID, "the step's name is longer than %d bytes", CF_ROUTER_STEP_MAX);
    return 0;
}

static void
s_on_model_call (cf_task_t *task, const void *fields, void *owner)
{
    const char *job = cf_task_context (task)->job;
    call_t call = { .self = owner, .task = task, .asked = fields };
    cf_error_t error = { 0 };
    cf_unsaved_t *entry = NULL;
    cf_answer_t answer = { 0 };
    const char *step = *job? call.asked->step: "";
    call.routes = cf_route_of_agent (call.asked->agent);
    cf_tokens_init (&call.tokens, job, call.asked->stage);
    if (s_check (&call, &error) || (*step && cf_unsaved_take (task, job, step, &entry, &error))) {
        cf_fail (task, &error);
        return;
    }
    if (!entry) {
        if (*step)
            entry = cf_unsaved_begin (cf_task_loop (task), job, step);
        cf_bill_init (&call.bill, step);
        if (s_generate (&call, &answer, &error)) {
            cf_bill_close (&call.bill, task);
            if (entry)
                cf_unsaved_end (&entry, CF_UNSAVED_DROP);
            cf_fail (task, &error);
            return;
        }
        memcpy (answer.hold, call.bill.hold, sizeof answer.hold);
        answer.lost = call.bill.lost;
        if (entry)
            cf_unsaved_enter (entry, &answer);
    }
    s_finish (&call, entry, &answer);
}

/* ---- embeddings ---- */

/*  0 with values; -1 with error. One more attempt where another one may help. */
static int
s_embed (call_t *call, const char *text, float values [CF_PROVIDER_DIMENSIONS], cf_error_t *error)
{
    const cf_route_t *route = &call->routes->routes [0];
    for (unsigned attempt = 1; ; attempt++) {
        cf_verdict_t verdict;
        int allowed = cf_health_ask (call->task, route->provider, error);
        if (allowed == 0)
            return cf_error_set (error, CF_ERROR_PROVIDER_DOWN, "%s", cf_error_sentence (CF_ERROR_PROVIDER_DOWN));
        if (allowed < 0 || cf_attempt_embed (call->task, call->self->http, route, text, values, &verdict, error))
            return -1;
        if (verdict.failure != CF_FAILURE_NONE) {
            s_explain (call, &verdict, error);
            s_rule_out (call, &verdict);
            s_note_failure (route, attempt, &verdict);
        }
        s_report (call, route, &verdict);
        if (verdict.failure == CF_FAILURE_NONE)
            return 0;
        if (attempt == 2 || call->tries [0].spent)
            return -1;
        uint64_t pause_ms = s_backoff_ms (attempt, verdict.retry_after_ms);
        if (pause_ms >= cf_task_left_ms (call->task, UINT32_MAX) || cf_task_sleep (call->task, pause_ms, error))
            return -1;
    }
}

static void
s_on_model_embed (cf_task_t *task, const void *fields, void *owner)
{
    const cf_model_embed_t *asked = fields;
    float values [CF_PROVIDER_DIMENSIONS];
    cf_error_t error = { 0 };
    call_t call = { .self = owner, .task = task, .routes = cf_route_of_embedding () };
    if (call.routes->count == 0)
        cf_fail (task, &call.routes->error);
    else if (s_embed (&call, asked->text, values, &error))
        cf_fail (task, &error);
    else
        cf_reply (task, &(cf_model_vector_t) { .values = { values, sizeof values } });
}

/*  No task is in a transfer any more: the drain has cancelled what was left, and a transfer is let go of when its task is. */
static void
s_on_end (void *arg)
{
    self_t *self = arg;
    cf_health_free ();
    cf_tokens_free ();
    cf_unsaved_free ();
    cf_route_free ();
    cf_provider_free ();
    cf_http_destroy (&self->http);
}

int
main (void)
{
    static const cf_handler_t handlers [] = {
        { CF_MODEL_CALL, s_on_model_call },
        { CF_MODEL_EMBED, s_on_model_embed }
    };
    self_t self = { .http = NULL };
    cf_actor_t *actor = cf_actor_new (CF_ACTOR_ROUTER, handlers, sizeof handlers / sizeof handlers [0], &self);
    cf_error_t error = { 0 };
    self.http = cf_http_new (cf_actor_loop (actor), CF_ROUTER_CONNECTIONS);
    if (!self.http || cf_route_load (&error)) {
        cf_log_error ("cannot start: %s", self.http? error.text: "no memory left");
        return self.http? CF_CONFIG_EXIT: EXIT_FAILURE;
    }
    cf_health_listen ();
    cf_tokens_listen ();
    cf_actor_on_end (actor, s_on_end, &self);
    cf_actor_ready (actor);
    return cf_actor_run (&actor);
}
