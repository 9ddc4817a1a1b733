/* SPDX-License-Identifier: MPL-2.0 */
/*  routing - the real broker, breaker and router as processes; this process plays the agent, the ledger and the model provider
 */
#ifndef CF_TESTS_ROUTING_H
#define CF_TESTS_ROUTING_H

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
static inline const char *
s_program (const char *name)
{
    static char path [4096];
    ssize_t size = readlink ("/proc/self/exe", path, sizeof path - 64);
    ck_assert_int_gt (size, 0);
    path [size] = 0;
    snprintf (strrchr (path, '/') + 1, 64, "codeforge-%s", name);
    return path;
}

static inline pid_t
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

static inline void
s_end (pid_t *pid, int signal_number)
{
    int status = 0;
    kill (*pid, signal_number);
    waitpid (*pid, &status, 0);
    ck_assert_msg (signal_number == SIGKILL || (WIFEXITED (status) && WEXITSTATUS (status) == 0), "ended with status %d, see %s/log", status, s_home);
    *pid = 0;
}

static inline void
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
    char output [256], outcome [32], model [64], name [64], hold [CF_UUID_SIZE];
    uint32_t attempt, first_token_ms;
    uint64_t lost;
} ledger_t;

static ledger_t s_ledger;

static inline void
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
    snprintf (s_ledger.hold, sizeof s_ledger.hold, "%s", step->hold);
    s_ledger.lost = step->lost_microusd;
    cf_reply (task, &(cf_job_noted_t) { 0 });
}

/*  What the router asks and says of money. */
typedef struct {
    size_t asked, released;
    uint64_t budget;                    /* a reservation of more is refused; 0: none is */
    bool held;                          /* no answer for now */
    char hold [CF_UUID_SIZE], step [64];        /* of the last one, as are the next two */
    uint32_t attempt;
    uint64_t most, lost;
} purse_t;

static purse_t s_purse;

static inline void
s_on_budget_reserve (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_budget_reserve_t *ask = fields;
    s_purse.asked++;
    s_purse.attempt = ask->attempt;
    s_purse.most = ask->most_microusd;
    s_purse.lost = ask->lost_microusd;
    snprintf (s_purse.hold, sizeof s_purse.hold, "%s", ask->hold);
    snprintf (s_purse.step, sizeof s_purse.step, "%s", ask->step);
    while (s_purse.held)
        if (cf_task_sleep (task, 5, NULL))
            return;
    if (s_purse.budget && ask->most_microusd > s_purse.budget)
        cf_fail_with (task, CF_ERROR_BUDGET_EXCEEDED, "BUDGET_EXCEEDED: too much", "");
    else
        cf_reply (task, &(cf_budget_granted_t) { 0 });
}

static inline void
s_on_budget_release (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_budget_release_t *ask = fields;
    s_purse.released++;
    s_purse.lost = ask->lost_microusd;
    snprintf (s_purse.hold, sizeof s_purse.hold, "%s", ask->hold);
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

static inline void
s_agent (cf_task_t *task, void *arg)
{
    agent_t *agent = arg;
    agent->task = task;
    agent->reply = cf_call (task, CF_MODEL_CALL, &agent->fields, PATIENCE_MS, &agent->error);
    agent->written = s_ledger.written;
    agent->done = true;
    agent->task = NULL;
}

static inline void
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

static inline bool
s_is_done (void)
{
    return s_awaited->done;
}

static inline void
s_await (agent_t *agent)
{
    s_awaited = agent;
    s_until (s_is_done, "the answer to a model call");
}

static inline void
s_call (agent_t *agent, uint32_t attempt)
{
    s_ask (agent, attempt);
    s_await (agent);
}

static inline void
s_assert_complete (agent_t *agent)
{
    ck_assert_msg (agent->reply != NULL, "%s", agent->error.text);
    ck_assert_str_eq (agent->reply->outcome, "complete");
    ck_assert_str_eq (agent->reply->text, ANSWER);
    cf_codec_free (&agent->reply);
}

/* ---- life ---- */

static inline void
s_begin (const char *settings [] [2], size_t count)
{
    static const cf_handler_t handlers [] = {
        { CF_JOB_STEP, s_on_job_step }, { CF_BUDGET_RESERVE, s_on_budget_reserve }, { CF_BUDGET_RELEASE, s_on_budget_release }
    };
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
    cf_serve (CF_ACTOR_CALLER, handlers, sizeof handlers / sizeof handlers [0], NULL);
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
static inline void
s_play (const scripted_reply_t *script, size_t count)
{
    static unsigned number;
    snprintf (s_step, sizeof s_step, "code.%u", ++number);
    scripted_play (&s_provider, script, count);
}

static inline int
s_remove (const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void) status;
    (void) kind;
    (void) walk;
    return remove (path);
}

/*  What the processes logged, to be freed. */
static inline char *
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

static inline void
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

#endif
