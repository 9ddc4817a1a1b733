/* SPDX-License-Identifier: MPL-2.0 */
/*  router - the real broker, breaker and router; this process plays the agent, the ledger and the model provider
 */

#include "tests/unit/actors/providers/routing.h"

/* ---- outcomes ---- */

START_TEST (an_answer_is_in_the_journal_before_its_caller_has_it)
{
    BEGIN ();
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
    agent_t agent;
    s_call (&agent, 1);
    ck_assert_msg (agent.reply != NULL, "%s", agent.error.text);
    ck_assert_str_eq (agent.reply->text, ANSWER);
    ck_assert_str_eq (agent.reply->outcome, "complete");
    ck_assert_str_eq (agent.reply->provider, "openai");
    ck_assert_str_eq (agent.reply->model, "gpt-4o-2024-08-06");
    ck_assert_uint_eq (agent.reply->input_tokens, 1000);
    ck_assert_uint_eq (agent.reply->output_tokens, 100);
    ck_assert (agent.reply->cost_usd > 0.0034999 && agent.reply->cost_usd < 0.0035001);
    ck_assert_uint_eq (agent.written, 1);
    ck_assert_uint_ge (agent.reply->first_token_ms, 1);
    ck_assert_uint_eq (s_ledger.first_token_ms, agent.reply->first_token_ms);
    ck_assert_uint_eq (s_purse.asked, 0);       /* no budget is set: nobody is asked for money */
    ck_assert_str_eq (s_ledger.hold, "");
    ck_assert_str_eq (s_ledger.output, ANSWER);
    ck_assert_str_eq (s_ledger.name, s_step);
    ck_assert_str_eq (s_ledger.model, "gpt-4o-2024-08-06");
    ck_assert (strstr (s_provider.last, "POST /v1/chat/completions HTTP/1.1\r\n") == s_provider.last);
    ck_assert_ptr_nonnull (strstr (s_provider.last, "Authorization: Bearer " KEY "\r\n"));
    ck_assert_ptr_nonnull (strstr (s_provider.last, "\"strict\":true"));
    cf_codec_free (&agent.reply);
    s_call (&agent, 0);
    s_assert_complete (&agent);
    ck_assert_uint_eq (s_ledger.calls, 1);      /* what belongs to no job has no journal */
    ck_assert_uint_eq (s_provider.open, 1);     /* and the connection is used again */
    s_finish ();
}
END_TEST

START_TEST (cut_off_and_refused_are_outcomes_of_their_own)
{
    BEGIN ();
    agent_t agent;
    PLAY ({ 200, NULL, HALF CHUNK ("", "\"length\"") USAGE, SCRIPTED_END });
    s_call (&agent, 1);
    ck_assert_str_eq (agent.reply->outcome, "cut_off");
    ck_assert_str_eq (s_ledger.outcome, "cut_off");
    cf_codec_free (&agent.reply);
    PLAY ({ 200, NULL, CHUNK ("\"refusal\":\"No.\"", "\"stop\"") USAGE, SCRIPTED_END });
    s_call (&agent, 2);
    ck_assert_str_eq (agent.reply->outcome, "refused");
    ck_assert_str_eq (agent.reply->text, "No.");
    ck_assert_str_eq (s_ledger.outcome, "refused");
    cf_codec_free (&agent.reply);
    PLAY ({ 400, NULL, "{\"error\":{\"code\":\"content_policy_violation\",\"message\":\"x\"}}", SCRIPTED_END });
    s_call (&agent, 3);
    ck_assert_msg (agent.reply != NULL, "%s", agent.error.text);
    ck_assert_str_eq (agent.reply->outcome, "refused");
    ck_assert_uint_eq (s_provider.requests, 1);
    cf_codec_free (&agent.reply);
    s_finish ();
}
END_TEST

START_TEST (a_missing_end_marker_or_usage_is_success)
{
    BEGIN ();
    agent_t agent;
    PLAY ({ 200, NULL, HALF CHUNK ("\"content\":\"[]}\"", "\"stop\""), SCRIPTED_END });
    s_call (&agent, 0);
    ck_assert_uint_eq (agent.reply->input_tokens, (strlen ("Write code.") + strlen ("An idea") + 3) / 4);
    ck_assert_uint_eq (agent.reply->output_tokens, (strlen (ANSWER) + 3) / 4);
    s_assert_complete (&agent);
    PLAY ({ 200, NULL, HALF CHUNK ("\"content\":\"[]}\"", "\"stop\""), SCRIPTED_CLOSE });
    s_call (&agent, 0);
    s_assert_complete (&agent);
    ck_assert_uint_eq (s_provider.requests, 1);
    s_finish ();
}
END_TEST

/*  An answer whose stream says that it is over, and whose connection neither goes on nor ends: nobody waits for
    ROUTER_STALL_MS, which is longer than the patience of this test. */
START_TEST (a_stream_that_said_how_it_ended_is_not_waited_for)
{
    static const struct { const char *agent; scripted_reply_t reply; uint32_t input_tokens; } cases [] = {
        { "code", { 200, NULL, HALF CHUNK ("\"content\":\"[]}\"", "\"stop\""), SCRIPTED_HANG }, 5 },    /* estimated */
        { "code", { 200, NULL, HALF CHUNK ("\"content\":\"[]}\"", "\"stop\"") "\f" USAGE, SCRIPTED_LATE }, 1000 },
        { "code", { 200, NULL, WHOLE, SCRIPTED_HANG }, 1000 },
        { "qa", { 200, NULL, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"{\\\"files\\\": []}\"}]},\"finishReason\":\"STOP\"}],"
                 "\"usageMetadata\":{\"promptTokenCount\":700}}\r\n\r\n", SCRIPTED_HANG }, 700 },
        { "qa", { 200, NULL, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"{\\\"files\\\": []}\"}]}}],\"usageMetadata\":{\"promptTokenCount\":1}}\n\n"
                 "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n\f" "data: {\"usageMetadata\":{\"promptTokenCount\":800}}\n\n", SCRIPTED_LATE }, 800 },
        { "research", { 200, NULL, "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"{\\\"files\\\": []}\"}}\n\n"
                       "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":900}}\n\n", SCRIPTED_HANG }, 900 }
    };
    BEGIN ({ "MODELS_QA", "google/gemini" }, { "MODELS_RESEARCH", "anthropic/claude" });
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        s_play (&cases [at].reply, 1);
        agent_t agent = { .fields = { .agent = cases [at].agent, .system = "Write code.", .input = "An idea", .schema = "code" } };
        cf_task_start (s_loop, s_agent, &agent, NULL);
        s_await (&agent);
        ck_assert_msg (agent.reply != NULL, "%s", agent.error.text);
        ck_assert_uint_eq (agent.reply->input_tokens, cases [at].input_tokens);
        s_assert_complete (&agent);
        ck_assert_uint_eq (s_provider.requests, 1);
    }
    s_finish ();
}
END_TEST

/* ---- failures ---- */

START_TEST (a_rate_limit_is_waited_out_on_the_same_route)
{
    BEGIN ({ "ROUTER_BACKOFF_MS", "60000" });
    PLAY ({ 429, "Retry-After-Ms: 150\r\n", "{}", SCRIPTED_END }, { 200, NULL, WHOLE, SCRIPTED_END });
    agent_t agent;
    uint64_t before_ms = cf_clock_ms ();
    s_call (&agent, 0);
    s_assert_complete (&agent);
    ck_assert_uint_ge (cf_clock_ms () - before_ms, 150);
    ck_assert_uint_eq (s_provider.requests, 2);
    s_finish ();
}
END_TEST

START_TEST (servers_at_fault_are_asked_three_times)
{
    BEGIN ();
    agent_t agent;
    PLAY ({ 503, NULL, "", SCRIPTED_END }, { 0, NULL, "", SCRIPTED_RESET }, { 200, NULL, WHOLE, SCRIPTED_END });
    s_call (&agent, 0);
    s_assert_complete (&agent);
    ck_assert_uint_ge (s_provider.requests, 3);
    PLAY ({ 529, NULL, "", SCRIPTED_END });
    s_call (&agent, 0);
    ck_assert_int_eq (agent.error.code, CF_ERROR_PROVIDER_DOWN);
    ck_assert_uint_eq (s_provider.requests, 3);
    s_finish ();
}
END_TEST

START_TEST (our_own_faults_are_not_tried_again)
{
    static const struct { scripted_reply_t reply; cf_error_code_t code; const char *text; } cases [] = {
        { { 401, NULL, "{}", SCRIPTED_END }, CF_ERROR_PROVIDER_SETTINGS, "openai does not accept OPENAI_API_KEY" },
        { { 404, NULL, "{}", SCRIPTED_END }, CF_ERROR_PROVIDER_SETTINGS, "MODELS_CODE: openai/gpt-4o is not available" },
        { { 400, NULL, "{}", SCRIPTED_END }, CF_ERROR_PROVIDER_REFUSED, "openai/gpt-4o: invalid" },
        { { 400, NULL, "{\"error\":{\"code\":\"context_length_exceeded\"}}", SCRIPTED_END }, CF_ERROR_PROVIDER_REFUSED, "openai/gpt-4o: too_long" },
        { { 429, NULL, "{\"error\":{\"code\":\"insufficient_quota\"}}", SCRIPTED_END }, CF_ERROR_PROVIDER_DOWN, "openai/gpt-4o: quota" },
        { { 503, "X-Should-Retry: false\r\n", "", SCRIPTED_END }, CF_ERROR_PROVIDER_DOWN, "openai/gpt-4o: server_error" }
    };
    BEGIN ();
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        agent_t agent;
        scripted_play (&s_provider, &cases [at].reply, 1);
        s_call (&agent, 0);
        ck_assert_int_eq (agent.error.code, cases [at].code);
        ck_assert_str_eq (agent.error.text, cases [at].text);
        ck_assert_uint_eq (s_provider.requests, 1);
    }
    s_finish ();
}
END_TEST

START_TEST (requests_that_make_no_sense_are_refused)
{
    BEGIN ();
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
    const cf_model_call_t good = { .agent = "code", .schema = "code" };
    cf_model_call_t bad [] = { good, good, good, good };
    bad [0].agent = "stranger";
    bad [1].schema = "../../secrets";
    bad [2].schema = "nothing";
    bad [3].temperature = 2.5;
    for (size_t at = 0; at < sizeof bad / sizeof bad [0]; at++) {
        agent_t agent = { .fields = bad [at] };
        cf_task_start (s_loop, s_agent, &agent, NULL);
        s_await (&agent);
        ck_assert_int_eq (agent.error.code, CF_ERROR_INVALID);
    }
    ck_assert_uint_eq (s_provider.requests, 0);
    s_finish ();
}
END_TEST

START_TEST (a_silent_route_is_not_asked_again_but_the_next_one)
{
    BEGIN ({ "ROUTER_FIRST_TOKEN_MS", "200" }, { "MODELS_QA", "openai/slow,openai/fast" });
    agent_t agent;
    PLAY ({ 0, NULL, "", SCRIPTED_NOTHING });
    s_call (&agent, 0);
    ck_assert_int_eq (agent.error.code, CF_ERROR_PROVIDER_DOWN);
    ck_assert_uint_eq (s_provider.requests, 1);
    PLAY ({ 200, NULL, CHUNK ("\"role\":\"assistant\"", "null"), SCRIPTED_HANG });      /* a sign of life is no token */
    s_call (&agent, 0);
    ck_assert_str_eq (agent.error.text, "openai/gpt-4o: silent");
    ck_assert_uint_eq (s_provider.requests, 1);
    PLAY ({ 0, NULL, "", SCRIPTED_NOTHING }, { 200, NULL, WHOLE, SCRIPTED_END });
    agent = (agent_t) { .fields = { .agent = "qa", .schema = "code" } };
    cf_task_start (s_loop, s_agent, &agent, NULL);
    s_await (&agent);
    s_assert_complete (&agent);
    ck_assert_uint_eq (s_provider.requests, 2);
    ck_assert_ptr_nonnull (strstr (s_provider.last, "\"model\":\"fast\""));
    s_finish ();
}
END_TEST

START_TEST (the_route_that_answered_is_the_one_reported)
{
    BEGIN ({ "MODELS_CODE", "google/gemini,anthropic/claude" }, { "MODEL_PRICES", "google/gemini=100:100,anthropic/claude=1:2" },
           { "MODEL_MAX_TOKENS", "anthropic/claude=300" }, { "ROUTER_BACKOFF_MS", "1" });
    PLAY ({ 429, NULL, "[{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"retryDelay\":\"0.15s\"}]}}]", SCRIPTED_END },
          { 503, NULL, "{}", SCRIPTED_END }, { 200, NULL, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"{\"}]}}]}\r\n\r\n", SCRIPTED_END },
          { 200, NULL, "data: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-7\",\"usage\":{\"input_tokens\":900,\"cache_read_input_tokens\":100}}}\n\n"
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"{\\\"files\\\": []}\"}}\n\n"
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":100}}\n\n", SCRIPTED_END });
    agent_t agent;
    uint64_t before_ms = cf_clock_ms ();
    s_call (&agent, 1);
    ck_assert_msg (agent.reply != NULL, "%s", agent.error.text);
    ck_assert_uint_ge (cf_clock_ms () - before_ms, 150);        /* what the first answer asked for, in its body */
    ck_assert_uint_eq (s_provider.requests, 4);
    ck_assert_str_eq (agent.reply->provider, "anthropic");
    ck_assert_str_eq (agent.reply->model, "claude-7");
    ck_assert_uint_eq (agent.reply->input_tokens, 1000);
    ck_assert_uint_eq (agent.reply->output_tokens, 100);
    ck_assert (agent.reply->cost_usd > 0.0011999 && agent.reply->cost_usd < 0.0012001);
    ck_assert_str_eq (s_ledger.model, "claude-7");
    ck_assert (strstr (s_provider.last, "POST /v1/messages HTTP/1.1\r\n") == s_provider.last);
    ck_assert_ptr_nonnull (strstr (s_provider.last, "anthropic-version: 2023-06-01\r\n"));
    ck_assert_ptr_nonnull (strstr (s_provider.last, "\"max_tokens\":300"));
    ck_assert_ptr_null (strstr (s_provider.last, KEY));         /* each key goes to its own provider only */
    s_assert_complete (&agent);
    s_finish ();
}
END_TEST

/* ---- tokens ---- */

static char s_shown [4096];
static const char *s_expected;

static void
s_on_tokens (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    (void) envelope;
    const cf_model_tokens_t *tokens = fields;
    size_t size = strlen (s_shown);
    ck_assert_str_eq (tokens->stage, "code");
    snprintf (s_shown + size, sizeof s_shown - size, "%s%s", tokens->reset? "<reset>": "", tokens->text);
}

static bool
s_all_shown (void)
{
    return strcmp (s_shown, s_expected) == 0;
}

START_TEST (a_broken_stream_starts_again_and_watchers_are_told)
{
    BEGIN ({ "ROUTER_STALL_MS", "200" });
    static const char again [] = "{\"files\": <reset>{\"files\": []}";
    static const struct { scripted_reply_t reply; const char *shown; } breaks [] = {
        { { 200, NULL, HALF, SCRIPTED_CLOSE }, again }, { { 200, NULL, HALF, SCRIPTED_END }, again }, { { 200, NULL, HALF, SCRIPTED_HANG }, again },
        { { 200, NULL, HALF "data: {\"error\":{\"message\":\"boom\"}}\n\n", SCRIPTED_HANG }, ANSWER },     /* known before it was shown */
        { { 200, NULL, HALF "data: {{{{\n\n" CHUNK ("", "\"stop\"") USAGE, SCRIPTED_END }, again }
    };
    agent_t agent;
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
    s_call (&agent, 0);         /* the router is there, and hears who wants tokens */
    s_assert_complete (&agent);
    cf_subscription_t *subscription = cf_event_subscribe ("tokens." JOB, s_on_tokens, NULL);
    for (size_t at = 0; at < sizeof breaks / sizeof breaks [0]; at++) {
        const scripted_reply_t script [] = { breaks [at].reply, { 200, NULL, WHOLE, SCRIPTED_END } };
        s_play (script, 2);
        *s_shown = 0;
        s_call (&agent, (uint32_t) at + 1);
        s_assert_complete (&agent);
        ck_assert_uint_eq (s_provider.requests, 2);
        s_expected = breaks [at].shown;
        s_until (s_all_shown, "the tokens");
    }
    cf_event_unsubscribe (&subscription);
    s_finish ();
}
END_TEST

START_TEST (one_bad_line_in_a_whole_answer_is_skipped)
{
    BEGIN ();
    PLAY ({ 200, NULL, HALF "data: {\"cho\n\n" CHUNK ("\"content\":\"[]}\"", "\"stop\"") USAGE, SCRIPTED_END });
    agent_t agent;
    s_call (&agent, 0);
    s_assert_complete (&agent);
    ck_assert_uint_eq (s_provider.requests, 1);
    s_finish ();
}
END_TEST

/* ---- cancelled and fenced callers ---- */

static bool
s_is_asked (void)
{
    return s_provider.requests > 0;
}

static bool
s_is_left (void)
{
    return s_provider.open == 0;
}

static bool
s_is_journaling (void)
{
    return s_ledger.calls > 0;
}

START_TEST (a_cancelled_call_closes_its_connection)
{
    BEGIN ();
    PLAY ({ 200, NULL, HALF, SCRIPTED_HANG });
    agent_t agent;
    s_ask (&agent, 1);
    s_until (s_is_asked, "the provider to be asked");
    cf_task_cancel (agent.task, CF_ERROR_CANCELLED);
    s_await (&agent);
    ck_assert_int_eq (agent.error.code, CF_ERROR_CANCELLED);
    s_until (s_is_left, "the connection to be closed");
    ck_assert_uint_eq (s_ledger.calls, 0);
    s_finish ();
}
END_TEST

START_TEST (a_finished_answer_reaches_the_journal_without_its_caller)
{
    BEGIN ();
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
    s_ledger.held = true;
    agent_t first, second;
    s_ask (&first, 1);
    s_until (s_is_journaling, "the answer to be offered to the journal");
    cf_task_cancel (first.task, CF_ERROR_CANCELLED);
    s_await (&first);
    s_ask (&second, 1);
    s_ledger.held = false;
    s_await (&second);
    s_assert_complete (&second);
    ck_assert_uint_eq (s_ledger.written, 1);
    ck_assert_uint_eq (s_provider.requests, 1);
    s_finish ();
}
END_TEST

/*  An agent and the broker died together, so nobody took the first call back; the next agent asks for the same step. */
START_TEST (a_step_is_asked_for_once_at_a_time)
{
    BEGIN ();
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
    agent_t first, second, late;
    s_ask (&first, 1);
    s_ask (&second, 2);
    s_await (&first);
    s_await (&second);
    s_assert_complete (&first);
    s_assert_complete (&second);
    s_call (&late, 2);          /* its agent read the journal just before */
    s_assert_complete (&late);
    ck_assert_uint_eq (s_provider.requests, 1);
    ck_assert_uint_eq (s_ledger.calls, 1);
    s_finish ();
}
END_TEST

START_TEST (an_answer_for_a_stale_attempt_goes_to_the_newer_one)
{
    BEGIN ();
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
    s_ledger.newest = 2;
    agent_t agent;
    s_call (&agent, 1);
    ck_assert_int_eq (agent.error.code, CF_ERROR_STALE_ATTEMPT);
    ck_assert_uint_eq (s_ledger.written, 0);
    s_call (&agent, 2);
    s_assert_complete (&agent);
    ck_assert_uint_eq (s_ledger.attempt, 2);
    ck_assert_uint_eq (agent.written, 1);
    ck_assert_uint_eq (s_provider.requests, 1);
    s_finish ();
}
END_TEST

/*  One call is with a provider that has fallen silent, another with a journal that does not answer. */
START_TEST (a_router_that_stops_leaves_nothing_behind)
{
    BEGIN ();
    PLAY ({ 200, NULL, HALF, SCRIPTED_HANG }, { 200, NULL, WHOLE, SCRIPTED_END });
    s_ledger.held = true;
    agent_t unfinished, finished;
    s_ask (&unfinished, 0);
    s_until (s_is_asked, "the provider to be asked");
    s_ask (&finished, 1);
    s_until (s_is_journaling, "the answer to be offered to the journal");
    s_end (&s_processes.router, SIGTERM);       /* 0, which it is not where the sanitizer found a leak */
    s_ledger.held = false;
    s_processes.router = s_spawn ("router");
    s_await (&unfinished);
    s_assert_complete (&unfinished);
    s_await (&finished);
    s_assert_complete (&finished);
    s_finish ();
}
END_TEST

/* ---- health ---- */

static char s_state [32];
static uint32_t s_failures;

static void
s_on_state (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    (void) envelope;
    const cf_breaker_state_t *state = fields;
    snprintf (s_state, sizeof s_state, "%s", state->state);
    s_failures = state->failures;
}

static bool
s_is_open (void)
{
    return strcmp (s_state, "open") == 0;
}

static bool
s_is_half_open (void)
{
    return strcmp (s_state, "half_open") == 0;
}

static bool
s_is_closed (void)
{
    return strcmp (s_state, "closed") == 0 && s_failures == 0;
}

/*  Fails until the circuit is open: six attempts at most, by two calls. */
static void
s_break_circuit (void)
{
    agent_t agent;
    PLAY ({ 500, NULL, "", SCRIPTED_END });
    s_call (&agent, 0);
    s_call (&agent, 0);
    ck_assert_int_eq (agent.error.code, CF_ERROR_PROVIDER_DOWN);
    ck_assert_uint_eq (s_provider.requests, 5);
    s_until (s_is_open, "the circuit to open");
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
}

START_TEST (a_sick_provider_is_left_alone_and_probed)
{
    BEGIN ({ "BREAKER_OPEN_MS", "1000" });
    cf_subscription_t *subscription = cf_event_subscribe ("state.breaker.openai", s_on_state, NULL);
    s_break_circuit ();
    agent_t agent, other;
    s_call (&agent, 0);
    ck_assert_int_eq (agent.error.code, CF_ERROR_PROVIDER_DOWN);
    ck_assert_uint_eq (s_provider.requests, 0);
    s_until (s_is_half_open, "the circuit to be half open");
    s_ask (&other, 0);
    s_call (&agent, 0);
    s_assert_complete (&agent);
    s_await (&other);
    s_assert_complete (&other);
    s_until (s_is_closed, "the circuit to close");
    cf_event_unsubscribe (&subscription);
    s_finish ();
}
END_TEST

START_TEST (a_refusal_in_good_order_shows_that_a_provider_is_well)
{
    BEGIN ({ "BREAKER_OPEN_MS", "300" });
    cf_subscription_t *subscription = cf_event_subscribe ("state.breaker.openai", s_on_state, NULL);
    s_break_circuit ();
    s_until (s_is_half_open, "the circuit to be half open");
    PLAY ({ 400, NULL, "{\"error\":{\"code\":\"context_length_exceeded\"}}", SCRIPTED_END });
    agent_t agent;
    for (int probe = 0; probe < 2; probe++) {
        s_call (&agent, 0);
        ck_assert_int_eq (agent.error.code, CF_ERROR_PROVIDER_REFUSED);
    }
    s_until (s_is_closed, "the circuit to close");
    cf_event_unsubscribe (&subscription);
    s_finish ();
}
END_TEST

START_TEST (a_restarted_breaker_takes_its_state_back)
{
    BEGIN ({ "BREAKER_OPEN_MS", "2000" });
    cf_subscription_t *subscription = cf_event_subscribe ("state.breaker.openai", s_on_state, NULL);
    s_break_circuit ();
    s_end (&s_processes.breaker, SIGKILL);
    agent_t agent;
    s_call (&agent, 0);         /* without a breaker: what was last heard */
    ck_assert_int_eq (agent.error.code, CF_ERROR_PROVIDER_DOWN);
    ck_assert_uint_eq (s_provider.requests, 0);
    s_processes.breaker = s_spawn ("breaker");
    s_until (s_is_half_open, "the restarted breaker to go on with the wait of the former one");
    ck_assert_uint_eq (s_failures, 5);
    cf_event_unsubscribe (&subscription);
    s_finish ();
}
END_TEST

/* ---- operators ---- */

typedef struct {
    bool done;
    char circuits [256];
    cf_error_code_t codes [3];
} operator_t;

static operator_t s_operator;

static cf_error_code_t
s_reset_circuit (cf_task_t *task, const char *provider)
{
    cf_error_t error = { 0 };
    cf_breaker_noted_t *noted = cf_call (task, CF_BREAKER_RESET, &(cf_breaker_reset_t) { .provider = provider }, PATIENCE_MS, &error);
    cf_codec_free (&noted);
    return error.code;
}

static void
s_operate (cf_task_t *task, void *arg)
{
    (void) arg;
    cf_breaker_listed_t *listed = cf_call (task, CF_BREAKER_LIST, &(cf_breaker_list_t) { 0 }, PATIENCE_MS, NULL);
    if (listed)
        snprintf (s_operator.circuits, sizeof s_operator.circuits, "%s", listed->circuits);
    cf_codec_free (&listed);
    s_operator.codes [0] = s_reset_circuit (task, "google");
    s_operator.codes [1] = s_reset_circuit (task, "no such name");
    s_operator.codes [2] = s_reset_circuit (task, "openai");
    s_operator.done = true;
}

static bool
s_is_operated (void)
{
    return s_operator.done;
}

static bool s_measured;

static void
s_on_metrics (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    const cf_metrics_t *metrics = fields;
    s_measured |= strstr (envelope->to, "breaker") && strstr (metrics->metrics, "\"breaker_circuits_open\":1")
               && strstr (metrics->metrics, "\"breaker_opened_total\":1");
}

static bool
s_is_measured (void)
{
    return s_measured;
}

START_TEST (an_operator_sees_circuits_and_closes_one)
{
    BEGIN ();
    cf_subscription_t *subscription = cf_event_subscribe ("state.breaker.openai", s_on_state, NULL);
    cf_subscription_t *metrics = cf_event_subscribe ("state.metrics.*", s_on_metrics, NULL);
    s_break_circuit ();
    s_until (s_is_measured, "the breaker's metrics");
    cf_task_start (s_loop, s_operate, NULL, NULL);
    s_until (s_is_operated, "the breaker to answer an operator");
    ck_assert_ptr_nonnull (strstr (s_operator.circuits, "[{\"provider\":\"openai\",\"state\":\"open\",\"failures\":5,\"since_wall_us\":"));
    ck_assert_ptr_nonnull (strstr (s_operator.circuits, ",\"opened\":1,\"probes\":0}]"));
    ck_assert_int_eq (s_operator.codes [0], CF_ERROR_NOT_FOUND);
    ck_assert_int_eq (s_operator.codes [1], CF_ERROR_NOT_FOUND);
    ck_assert_int_eq (s_operator.codes [2], CF_OK);
    s_until (s_is_closed, "the circuit to be closed");
    agent_t agent;
    s_call (&agent, 0);
    s_assert_complete (&agent);
    cf_event_unsubscribe (&metrics);
    cf_event_unsubscribe (&subscription);
    s_finish ();
}
END_TEST

START_TEST (calls_go_on_without_a_breaker)
{
    BEGIN ();
    s_end (&s_processes.breaker, SIGKILL);
    PLAY ({ 500, NULL, "", SCRIPTED_END }, { 200, NULL, WHOLE, SCRIPTED_END });
    agent_t agent;
    s_call (&agent, 0);
    s_assert_complete (&agent);
    s_call (&agent, 0);
    s_assert_complete (&agent);
    s_finish ();
}
END_TEST

/* ---- embeddings ---- */

typedef struct {
    bool done;
    cf_model_vector_t *reply;
    cf_error_t error;
} embedder_t;

static embedder_t s_embedder;

static void
s_embedding (cf_task_t *task, void *arg)
{
    (void) arg;
    s_embedder.reply = cf_call (task, CF_MODEL_EMBED, &(cf_model_embed_t) { .text = "An idea" }, PATIENCE_MS, &s_embedder.error);
    s_embedder.done = true;
}

static bool
s_is_embedded (void)
{
    return s_embedder.done;
}

START_TEST (texts_are_embedded_with_one_more_attempt)
{
    BEGIN ();
    cf_buf_t body;
    cf_buf_init (&body, 100000);
    cf_buf_puts (&body, "{\"data\":[{\"embedding\":[0.5");
    for (size_t at = 1; at < CF_PROVIDER_DIMENSIONS; at++)
        cf_buf_puts (&body, ",-1");
    cf_buf_puts (&body, "]}]}");
    const scripted_reply_t script [] = { { 500, NULL, "", SCRIPTED_END }, { 200, NULL, body.bytes, SCRIPTED_END }, { 500, NULL, "", SCRIPTED_END } };
    scripted_play (&s_provider, script, 3);
    cf_task_start (s_loop, s_embedding, NULL, NULL);
    s_until (s_is_embedded, "the embedding");
    ck_assert_msg (s_embedder.reply != NULL, "%s", s_embedder.error.text);
    ck_assert_uint_eq (s_embedder.reply->values.size, 4 * CF_PROVIDER_DIMENSIONS);
    ck_assert_int_eq (memcmp (s_embedder.reply->values.bytes, "\0\0\0\x3f\0\0\x80\xbf", 8), 0);
    cf_codec_free (&s_embedder.reply);
    s_embedder = (embedder_t) { .done = false };
    cf_task_start (s_loop, s_embedding, NULL, NULL);
    s_until (s_is_embedded, "the failure");
    ck_assert_int_eq (s_embedder.error.code, CF_ERROR_PROVIDER_DOWN);
    ck_assert_uint_eq (s_provider.requests, 4);
    cf_buf_free (&body);
    s_finish ();
}
END_TEST

UNIT_MAIN ("router", an_answer_is_in_the_journal_before_its_caller_has_it, cut_off_and_refused_are_outcomes_of_their_own,
           a_missing_end_marker_or_usage_is_success, a_stream_that_said_how_it_ended_is_not_waited_for, a_rate_limit_is_waited_out_on_the_same_route,
           servers_at_fault_are_asked_three_times, our_own_faults_are_not_tried_again, requests_that_make_no_sense_are_refused,
           a_silent_route_is_not_asked_again_but_the_next_one,
           the_route_that_answered_is_the_one_reported, a_broken_stream_starts_again_and_watchers_are_told,
           one_bad_line_in_a_whole_answer_is_skipped, a_cancelled_call_closes_its_connection,
           a_finished_answer_reaches_the_journal_without_its_caller, an_answer_for_a_stale_attempt_goes_to_the_newer_one, a_step_is_asked_for_once_at_a_time,
           a_router_that_stops_leaves_nothing_behind, a_sick_provider_is_left_alone_and_probed,
           a_refusal_in_good_order_shows_that_a_provider_is_well, a_restarted_breaker_takes_its_state_back, an_operator_sees_circuits_and_closes_one, calls_go_on_without_a_breaker,
           texts_are_embedded_with_one_more_attempt)
