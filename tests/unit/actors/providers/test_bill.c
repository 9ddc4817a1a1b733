/* SPDX-License-Identifier: MPL-2.0 */
/*  bill - before each attempt the router reserves the most that it can cost, and says what became of that
 */

#include "actors/providers/bill.h"
#include "tests/unit/actors/providers/routing.h"

#define PRICES { "MODEL_PRICES", "openai/gpt-4o=2:10,openai/other=1:5,openai/free=0:0" }
#define INPUT_BYTES (strlen ("Write code.") + strlen ("An idea"))

/*  Bytes of the schema as openai is asked for it. */
static size_t
s_schema_bytes (void)
{
    return strlen (cf_provider_schema (cf_provider_named ("openai", 6), "code", NULL));
}

/*  What an attempt at gpt-4o may cost: s_ask wants 500 tokens. */
static uint64_t
s_most (unsigned input_price, unsigned output_price)
{
    return (INPUT_BYTES + s_schema_bytes () + CF_BILL_FRAME_TOKENS) * input_price + 500u * output_price;
}

static bool
s_is_asked_for_money (void)
{
    return s_purse.asked > 0;
}

static bool
s_is_released (void)
{
    return s_purse.released > 0;
}

static bool
s_is_asked (void)
{
    return s_provider.requests > 0;
}

START_TEST (a_byte_is_at_most_a_token)
{
    const cf_route_t route = { .input_price = 2.5, .output_price = 10 }, free = { .name = NULL };
    cf_provider_ask_t ask = { .system = "1234", .input = "\xF0\x9F\x98\x80", .format = "{}", .max_tokens = 1000 };
    ck_assert_uint_eq (cf_bill_most (&route, &ask), (10 + CF_BILL_FRAME_TOKENS) * 25 / 10 + 10000);
    ask.format = "{ }";
    ck_assert_uint_eq (cf_bill_most (&route, &ask), ((11 + CF_BILL_FRAME_TOKENS) * 25 + 9) / 10 + 10000);        /* rounded up */
    ck_assert_uint_eq (cf_bill_most (&free, &ask), 0);
    ask.max_tokens = UINT32_MAX;
    ck_assert_uint_gt (cf_bill_most (&route, &ask), UINT64_C (42949672950));
}
END_TEST

START_TEST (an_attempt_is_reserved_for_and_its_step_settles_that)
{
    BEGIN ({ "MAX_JOB_COST_USD", "1" }, PRICES);
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
    agent_t agent;
    s_purse.held = true;
    s_ask (&agent, 3);
    s_until (s_is_asked_for_money, "a reservation");
    for (int turn = 0; turn < 20; turn++)
        cf_loop_turn (s_loop, 5);
    ck_assert_uint_eq (s_provider.requests, 0);                 /* nothing is asked before it is granted */
    s_purse.held = false;
    s_await (&agent);
    ck_assert_uint_eq (s_purse.asked, 1);
    ck_assert_uint_eq (s_purse.attempt, 3);
    ck_assert_str_eq (s_purse.step, s_step);
    ck_assert_uint_eq (s_purse.most, s_most (2, 10));
    ck_assert_uint_eq (s_purse.lost, 0);
    ck_assert (cf_uuid_valid (s_purse.hold));
    ck_assert_str_eq (s_ledger.hold, s_purse.hold);
    ck_assert_uint_eq (s_ledger.lost, 0);
    ck_assert_uint_eq (s_purse.released, 0);
    s_assert_complete (&agent);
    s_call (&agent, 0);                         /* of no job: nobody's money */
    s_assert_complete (&agent);
    ck_assert_uint_eq (s_purse.asked, 1);
    s_finish ();
}
END_TEST

START_TEST (what_does_not_fit_is_not_asked_for)
{
    BEGIN ({ "MAX_USER_COST_USD_PER_DAY", "1" }, PRICES, { "MODELS_CODE", "openai/gpt-4o,openai/other" });
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
    agent_t agent;
    s_purse.budget = s_most (2, 10) - 1;
    s_call (&agent, 1);
    ck_assert_int_eq (agent.error.code, CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_str_eq (agent.error.text, "BUDGET_EXCEEDED: too much");
    ck_assert_uint_eq (s_purse.asked, 1);       /* the cheaper route is for when this one fails */
    ck_assert_uint_eq (s_purse.released, 0);    /* a refusal holds nothing */
    ck_assert_uint_eq (s_provider.requests, 0);
    s_finish ();
}
END_TEST

/*  503: turned away; then a stream that breaks: it has read the prompt and said something; then another model answers. */
START_TEST (each_attempt_is_reserved_for_anew)
{
    BEGIN ({ "MAX_JOB_COST_USD", "1" }, PRICES, { "MODELS_CODE", "openai/gpt-4o,openai/other" });
    agent_t agent;
    PLAY ({ 503, NULL, "", SCRIPTED_END }, { 200, NULL, HALF, SCRIPTED_CLOSE }, { 200, NULL, WHOLE, SCRIPTED_END });
    s_call (&agent, 1);
    ck_assert_uint_eq (s_provider.requests, 3);
    ck_assert_uint_eq (s_purse.asked, 3);
    ck_assert_uint_eq (s_purse.most, s_most (1, 5));
    uint64_t lost = (INPUT_BYTES + 3) / 4 * 2 + (strlen ("{\"files\": ") + 3) / 4 * 10;
    ck_assert_uint_eq (s_purse.lost, lost);
    ck_assert_uint_eq (s_ledger.lost, lost);
    ck_assert_str_eq (s_ledger.hold, s_purse.hold);
    s_assert_complete (&agent);
    s_finish ();
}
END_TEST

START_TEST (a_call_without_an_answer_is_released)
{
    BEGIN ({ "MAX_JOB_COST_USD", "1" }, PRICES);
    agent_t agent;
    PLAY ({ 400, NULL, "{}", SCRIPTED_END });
    s_call (&agent, 1);
    ck_assert_int_eq (agent.error.code, CF_ERROR_PROVIDER_REFUSED);
    ck_assert_uint_eq (s_purse.released, 1);
    ck_assert_uint_eq (s_purse.lost, 0);
    s_purse = (purse_t) { .asked = 0 };
    PLAY ({ 200, NULL, HALF, SCRIPTED_HANG });
    s_ask (&agent, 1);
    s_until (s_is_asked, "the provider to be asked");
    char hold [CF_UUID_SIZE];
    memcpy (hold, s_purse.hold, sizeof hold);
    cf_task_cancel (agent.task, CF_ERROR_CANCELLED);
    s_until (s_is_released, "a release");       /* though its caller is gone */
    ck_assert_str_eq (s_purse.hold, hold);
    ck_assert_uint_ge (s_purse.lost, (INPUT_BYTES + 3) / 4 * 2);
    s_await (&agent);
    s_finish ();
}
END_TEST

START_TEST (a_router_that_stops_says_what_it_lost)
{
    BEGIN ({ "MAX_JOB_COST_USD", "1" }, PRICES);
    agent_t agent;
    PLAY ({ 200, NULL, HALF, SCRIPTED_HANG }, { 200, NULL, WHOLE, SCRIPTED_END });
    s_ask (&agent, 1);
    s_until (s_is_asked, "the provider to be asked");
    kill (s_processes.router, SIGTERM);
    s_until (s_is_released, "a release");
    ck_assert_uint_ge (s_purse.lost, (INPUT_BYTES + 3) / 4 * 2);
    s_end (&s_processes.router, SIGTERM);
    s_processes.router = s_spawn ("router");
    s_await (&agent);
    s_assert_complete (&agent);
    ck_assert_uint_eq (s_purse.asked, 2);
    s_finish ();
}
END_TEST

/*  A newer attempt's call gets the answer, and pays from what was reserved for it. */
START_TEST (an_answer_that_waits_keeps_its_reservation)
{
    BEGIN ({ "MAX_JOB_COST_USD", "1" }, PRICES);
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
    agent_t agent;
    s_ledger.newest = 2;
    s_call (&agent, 1);
    ck_assert_int_eq (agent.error.code, CF_ERROR_STALE_ATTEMPT);
    ck_assert_uint_eq (s_purse.released, 0);
    s_call (&agent, 2);
    s_assert_complete (&agent);
    ck_assert_uint_eq (s_purse.asked, 1);
    ck_assert_str_eq (s_ledger.hold, s_purse.hold);
    s_finish ();
}
END_TEST

START_TEST (what_has_no_bound_is_refused_and_named)
{
    BEGIN ({ "MAX_JOB_COST_USD", "1" }, PRICES, { "MODEL_MAX_TOKENS", "" }, { "MODELS_QA", "openai/unpriced" }, { "MODELS_ROADMAP", "openai/free" });
    PLAY ({ 200, NULL, WHOLE, SCRIPTED_END });
    agent_t agent;
    static const struct { const char *agent, *text; } cases [] = {
        { "qa", "MODELS_QA: openai/unpriced has no price in MODEL_PRICES, which MAX_JOB_COST_USD asks for" },
        { "code", "openai/gpt-4o has no limit in MODEL_MAX_TOKENS, which MAX_JOB_COST_USD asks for" }
    };
    cf_task_context_t context = { .attempt = 1, .job = JOB };
    for (size_t at = 0; at < 2; at++) {
        agent = (agent_t) { .fields = { .agent = cases [at].agent, .step = s_step, .schema = "code" } };
        cf_task_start (s_loop, s_agent, &agent, &context);
        s_await (&agent);
        ck_assert_int_eq (agent.error.code, CF_ERROR_PROVIDER_SETTINGS);
        ck_assert_str_eq (agent.error.text, cases [at].text);
    }
    ck_assert_uint_eq (s_provider.requests, 0);
    agent = (agent_t) { .fields = { .agent = "roadmap", .step = s_step, .schema = "code" } };
    cf_task_start (s_loop, s_agent, &agent, &context);
    s_await (&agent);
    s_assert_complete (&agent);
    ck_assert_uint_eq (s_purse.most, 0);
    s_finish ();
}
END_TEST

UNIT_MAIN ("bill", a_byte_is_at_most_a_token, an_attempt_is_reserved_for_and_its_step_settles_that, what_does_not_fit_is_not_asked_for,
           each_attempt_is_reserved_for_anew, a_call_without_an_answer_is_released, a_router_that_stops_says_what_it_lost, an_answer_that_waits_keeps_its_reservation,
           what_has_no_bound_is_refused_and_named)
