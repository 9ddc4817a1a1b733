/* SPDX-License-Identifier: MPL-2.0 */
/*  router - the real broker, breaker and router; this process plays the agent, the ledger and the model provider
 */

#include "actors/lib/call.h"
#include "actors/lib/event.h"
#include "actors/lib/serve.h"
#include "actors/providers/provider.h"
#include "proto/base/clock.h"
#include "tests/unit/actors/providers/scripted.h"

#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>

#define JOB "0192a000-0000-7000-8000-000000000001"
#define KEY "sk-this-must-stay-secret"
#define PATIENCE_MS 20000

#define CHUNK(delta_, finish_) "data: {\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{" delta_ "},\"finish_reason\":" finish_ "}]}\n\n"
#define USAGE "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}}\n\ndata: [DONE]\n\n"
#define HALF CHUNK ("\"content\":\"{\\\"files\\\": \"", "null")
#define WHOLE HALF CHUNK ("\"content\":\"[]}\"", "null") CHUNK ("", "\"stop\"") USAGE
#define ANSWER "{\"files\": []}"

typedef struct {
    pid_t broker, breaker, router;
} processes_t;

static char s_home [64];
static cf_loop_t *s_loop;
static cf_link_t *s_link;
static scripted_t s_provider;
static processes_t s_processes;

/* ---- processes ---- */

/*  The executables lie beside this one. */
static const char *
s_program (const char *name)
{
    static char path [4096];
    ssize_t size = readlink ("/proc/self/exe", path, sizeof path - 64);
    ck_assert_int_gt (size, 0);
    path [size] = 0;
    snprintf (strrchr (path, '/') + 1, 64, "codeforge-%s", name);
    return path;
}

static pid_t
s_spawn (const char *name)
{
    pid_t parent = getpid (), pid = fork ();
    if (pid == 0) {
        char log [128];
        snprintf (log, sizeof log, "%s/log", s_home);
        int fd = open (log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2 (fd, 1);
        dup2 (fd, 2);
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (getppid () == parent)
            execl (s_program (name), name, NULL);
        _exit (127);
    }
    return pid;
}

static void
s_end (pid_t *pid, int signal_number)
{
    int status = 0;
    kill (*pid, signal_number);
    waitpid (*pid, &status, 0);
    ck_assert_msg (signal_number == SIGKILL || (WIFEXITED (status) && WEXITSTATUS (status) == 0), "ended with status %d, see %s/log", status, s_home);
    *pid = 0;
}

static void
s_until (bool (*condition) (void), const char *what)
{
    uint64_t end_ms = cf_clock_ms () + PATIENCE_MS;
    while (!condition ()) {
        ck_assert_msg (cf_clock_ms () < end_ms, "waited in vain for %s; see %s/log", what, s_home);
        cf_loop_turn (s_loop, 20);
    }
}

/* ---- the ledger ---- */

static char s_step [16];                /* name of the step that is asked for */

typedef struct {
    size_t calls;                       /* JOB_STEPs heard */
    size_t written;                     /* of them, accepted */
    uint32_t newest;                    /* attempts below are refused as stale */
    bool held;                          /* no answer for now */
    char output [256], outcome [32], model [64], name [64];
    uint32_t attempt, first_token_ms;
} ledger_t;

static ledger_t s_ledger;

static void
s_on_job_step (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_step_t *step = fields;
    s_ledger.calls++;
    while (s_ledger.held)
        if (cf_task_sleep (task, 5, NULL))
            return;
    if (step->attempt < s_ledger.newest) {
        cf_fail_with (task, CF_ERROR_STALE_ATTEMPT, "stale", "");
        return;
    }
    s_ledger.written++;
    s_ledger.attempt = step->attempt;
    s_ledger.first_token_ms = step->first_token_ms;
    snprintf (s_ledger.output, sizeof s_ledger.output, "%s", step->output);
    snprintf (s_ledger.outcome, sizeof s_ledger.outcome, "%s", step->outcome);
    snprintf (s_ledger.model, sizeof s_ledger.model, "%s", step->model);
    snprintf (s_ledger.name, sizeof s_ledger.name, "%s", step->name);
    cf_reply (task, &(cf_job_noted_t) { 0 });
}

/* ---- the agent ---- */

typedef struct {
    cf_model_call_t fields;
    uint32_t attempt;                   /* 0: belongs to no job */
    cf_task_t *task;
    bool done;
    cf_model_done_t *reply;
    size_t written;                     /* by the ledger when the reply came */
    cf_error_t error;
} agent_t;

static void
s_agent (cf_task_t *task, void *arg)
{
    agent_t *agent = arg;
    agent->task = task;
    agent->reply = cf_call (task, CF_MODEL_CALL, &agent->fields, PATIENCE_MS, &agent->error);
    agent->written = s_ledger.written;
    agent->done = true;
    agent->task = NULL;
}

static void
s_ask (agent_t *agent, uint32_t attempt)
{
    *agent = (agent_t) {
        .fields = { .agent = "code", .step = attempt? s_step: "", .stage = "code", .system = "Write code.", .input = "An idea",
                    .schema = "code", .max_tokens = 500, .temperature = 0.2 },
        .attempt = attempt
    };
    cf_task_context_t context = { .attempt = attempt };
    if (attempt)
        snprintf (context.job, sizeof context.job, "%s", JOB);
    cf_task_start (s_loop, s_agent, agent, &context);
}

static agent_t *s_awaited;

static bool
s_is_done (void)
{
    return s_awaited->done;
}

static void
s_await (agent_t *agent)
{
    s_awaited = agent;
    s_until (s_is_done, "the answer to a model call");
}

static void
s_call (agent_t *agent, uint32_t attempt)
{
    s_ask (agent, attempt);
    s_await (agent);
}

static void
s_assert_complete (agent_t *agent)
{
    ck_assert_msg (agent->reply != NULL, "%s", agent->error.text);
    ck_assert_str_eq (agent->reply->outcome, "complete");
    ck_assert_str_eq (agent->reply->text, ANSWER);
    cf_codec_free (&agent->reply);
}

/* ---- life ---- */

static void
s_begin (const char *settings [] [2], size_t count)
{
    static const cf_handler_t handlers [] = { { CF_JOB_STEP, s_on_job_step } };
    snprintf (s_home, sizeof s_home, "/tmp/cf-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_home));
    char base [64], run [80];
    snprintf (run, sizeof run, "%s/run", s_home);
    mkdir (run, 0700);
    s_loop = cf_loop_new ();
    scripted_start (&s_provider, s_loop);
    snprintf (base, sizeof base, "http://127.0.0.1:%u/v1", s_provider.port);
    setenv ("CODEFORGE_HOME", s_home, 1);
    setenv ("OPENAI_BASE_URL", base, 1);
    setenv ("OPENAI_API_KEY", KEY, 1);
    setenv ("GOOGLE_BASE_URL", base, 1);
    setenv ("ANTHROPIC_BASE_URL", base, 1);
    setenv ("MODELS_CODE", "openai/gpt-4o", 1);
    setenv ("LOG_LEVEL", "debug", 1);
    setenv ("ROUTER_BACKOFF_MS", "20", 1);
    for (size_t at = 0; at < count; at++)
        setenv (settings [at] [0], settings [at] [1], 1);
    cf_config_load_or_exit ();
    s_processes.broker = s_spawn ("broker");
    cf_error_t error = { 0 };
    s_link = cf_link_new (s_loop, "jobs", 1, 1000, &error);
    ck_assert_msg (s_link != NULL, "%s", error.text);
    cf_serve (CF_ACTOR_CALLER, handlers, 1, NULL);
    cf_link_ready (s_link, NULL, NULL);
    s_processes.breaker = s_spawn ("breaker");
    s_processes.router = s_spawn ("router");
}

#define BEGIN(...) do { \
        const char *settings_ [] [2] = { { "ENVIRONMENT", "test" }, __VA_ARGS__ }; \
        s_begin (settings_, sizeof settings_ / sizeof settings_ [0]); \
    } while (0)

#define PLAY(...) do { \
        static const scripted_reply_t script_ [] = { __VA_ARGS__ }; \
        s_play (script_, sizeof script_ / sizeof script_ [0]); \
    } while (0)

/*  Gives the provider its lines, for the next step of the job: an answer that was given is given again for its own step. */
static void
s_play (const scripted_reply_t *script, size_t count)
{
    static unsigned number;
    snprintf (s_step, sizeof s_step, "code.%u", ++number);
    scripted_play (&s_provider, script, count);
}

static int
s_remove (const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void) status;
    (void) kind;
    (void) walk;
    return remove (path);
}

/*  What the processes logged, to be freed. */
static char *
s_log (void)
{
    char path [128];
    snprintf (path, sizeof path, "%s/log", s_home);
    FILE *file = fopen (path, "r");
    ck_assert_ptr_nonnull (file);
    cf_buf_t text;
    cf_buf_init (&text, 16 << 20);
    for (size_t size = 1; size; text.size += size)
        size = fread (cf_buf_reserve (&text, 65536), 1, 65536, file);
    fclose (file);
    return cf_buf_take (&text);
}

static void
s_finish (void)
{
    s_end (&s_processes.router, SIGTERM);
    if (s_processes.breaker)
        s_end (&s_processes.breaker, SIGTERM);
    s_end (&s_processes.broker, SIGTERM);
    char *log = s_log ();
    ck_assert_msg (!strstr (log, KEY), "the key was logged: %s/log", s_home);
    ck_assert_msg (!strstr (log, "An idea") && !strstr (log, "\\\"files"), "a prompt or an answer was logged: %s/log", s_home);
    ck_assert_msg (!strstr (log, "Sanitizer"), "%s/log", s_home);
    free (log);
    ck_assert_uint_eq (cf_task_count (), 0);
    cf_serve_free ();
    cf_link_destroy (&s_link);
    scripted_stop (&s_provider);
    cf_task_free_pool ();
    cf_loop_destroy (&s_loop);
    nftw (s_home, s_remove, 16, FTW_DEPTH | FTW_PHYS);
}

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
           a_router_that_stops_leaves_nothing_behind, a_sick_provider_is_left_alone_and_probed, a_restarted_breaker_takes_its_state_back, an_operator_sees_circuits_and_closes_one, calls_go_on_without_a_breaker,
           texts_are_embedded_with_one_more_attempt)
