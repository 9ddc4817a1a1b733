/* SPDX-License-Identifier: MPL-2.0 */
/*  models - what the router adds to a model call, and what a stream costs it
 *
 *  This process joins the bus as a peer and makes MODEL_CALLs that belong to no job: nothing is journaled, nobody watches tokens.
 *  Calls begin at a fixed rate, such that so many are under way at once as are wanted. What the provider (the simulator) itself took is in
 *  its journal, call by call, by the idea that each asks about; what is left of a call without that is counted. The floor: the
 *  same requests without bus and router, made by this process with the runtime's HTTP client.
 */

#include "actors/lib/agent.h"
#include "actors/lib/call.h"
#include "actors/lib/http.h"
#include "ops/bench/commands.h"
#include "ops/bench/samples.h"
#include "ops/bench/usage.h"
#include "ops/bench/users.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENT "research"                /* asks openai/gpt-4o, as shipped */
#define SCHEMA "requirements"
#define SYSTEM "You are an analyst. You turn an idea into requirements."
#define JOIN_MS 10000
#define CALL_MS 120000
#define WARM_UP 50                      /* calls that are not counted */
#define STREAMS_RATE 1000u              /* streams begun a second */
#define CALM_MS 1000u                   /* from the last beginning until memory is looked at */

typedef struct models_t models_t;

typedef struct {
    models_t *all;
    uint64_t number;
    uint64_t took_us;                   /* 0: it failed */
} one_t;

struct models_t {
    cf_loop_t *loop;
    cf_link_t *link;
    cf_http_t *http;                    /* of the floor; NULL: through the router */
    char url [128];
    const char *format;                 /* response_format of the floor's requests */
    one_t *calls;
    uint64_t count, begun, interval_us, next_us;
    cf_timer_t timer;
    cf_error_t error;                   /* the first call's that failed */
};

/* ---- one call ---- */

static void
s_put_idea (uint64_t number, cf_buf_t *out)
{
    char idea [64];
    snprintf (idea, sizeof idea, "measured idea %08" PRIu64, number);
    cf_agent_put_data (out, "user_idea", idea);
}

static bool
s_ask_router (cf_task_t *task, const cf_buf_t *input, cf_error_t *error)
{
    cf_model_call_t ask = { .agent = AGENT, .step = "", .stage = "", .system = SYSTEM, .input = input->bytes, .schema = SCHEMA,
                            .max_tokens = 4000, .temperature = 0.2 };
    cf_model_done_t *done = cf_call_once (task, "router", CF_MODEL_CALL, &ask, CALL_MS, error);
    bool good = done && strcmp (done->outcome, "complete") == 0;
    cf_codec_free (&done);
    return good;
}

static cf_http_want_t
s_on_bytes (void *arg, const char *bytes, size_t size)
{
    (void) bytes;
    *(size_t *) arg += size;
    return CF_HTTP_MORE;
}

static bool
s_ask_provider (cf_task_t *task, const models_t *self, const cf_buf_t *input, cf_error_t *error)
{
    static char content [] = "Content-Type: application/json", key [] = "Authorization: Bearer none";
    char *const headers [] = { content, key, NULL };
    size_t received = 0;
    cf_buf_t body;
    cf_buf_init (&body, 1u << 20);
    cf_buf_puts (&body, "{\"model\":\"gpt-4o\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":[{\"role\":\"system\",\"content\":\"" SYSTEM
                 "\"},{\"role\":\"user\",\"content\":");
    cf_buf_put_json (&body, input->bytes, input->size);
    cf_buf_printf (&body, "}],\"response_format\":%s}", self->format);
    cf_http_request_t request = { .url = self->url, .headers = headers, .body = body.bytes, .body_size = body.size };
    cf_http_response_t response;
    int rc = cf_http_call (task, self->http, &request, s_on_bytes, &received, &response, error);
    bool good = rc == 0 && response.status == 200 && received;
    cf_http_response_free (&response);
    cf_buf_free (&body);
    return good;
}

static void
s_call_one (cf_task_t *task, void *arg)
{
    one_t *one = arg;
    models_t *self = one->all;
    cf_error_t error = { 0 };
    cf_buf_t input;
    cf_buf_init (&input, 4096);
    s_put_idea (one->number, &input);
    uint64_t began_us = cf_clock_us ();
    bool good = self->http? s_ask_provider (task, self, &input, &error): s_ask_router (task, &input, &error);
    one->took_us = good? cf_clock_us () - began_us: 0;
    if (!good && !self->error.code)
        self->error = error;
    cf_buf_free (&input);
}

/* ---- all of them ---- */

/*  Begins what is due, and comes back for the next. */
static void
s_on_due (void *arg)
{
    models_t *self = arg;
    while (self->begun < self->count && self->next_us <= cf_clock_us ()) {
        one_t *one = &self->calls [self->begun];
        *one = (one_t) { .all = self, .number = self->begun++ };
        self->next_us += self->interval_us;
        if (!cf_task_start (self->loop, s_call_one, one, NULL))
            cf_error_set (&self->error, CF_ERROR_BUSY, "no stack for another task");
    }
    uint64_t now_us = cf_clock_us ();
    if (self->begun < self->count)
        cf_timer_set (self->loop, &self->timer, self->next_us > now_us? (self->next_us - now_us) / 1000: 0, s_on_due, self);
}

static void
s_begin (models_t *self, uint64_t count, uint64_t interval_us)
{
    self->count = count;
    self->begun = 0;
    self->interval_us = interval_us;
    self->next_us = cf_clock_us ();
    s_on_due (self);
}

static void
s_turn_until (models_t *self, uint64_t end_us)
{
    while (cf_clock_us () < end_us && (self->begun < self->count || cf_task_count ()))
        cf_loop_turn (self->loop, 20);
}

static int
s_join (models_t *self)
{
    cf_error_t error = { 0 };
    self->loop = cf_loop_new ();
    self->link = self->loop? cf_link_new (self->loop, "asker", 1, 1, &error): NULL;
    for (uint64_t end_ms = cf_clock_ms () + JOIN_MS; self->link && !cf_link_joined (self->link) && cf_clock_ms () < end_ms; )
        cf_loop_turn (self->loop, 20);
    if (self->link && cf_link_joined (self->link))
        return 0;
    fprintf (stderr, "no broker: %s\n", error.text);
    return -1;
}

static void
s_leave (models_t *self)
{
    cf_http_destroy (&self->http);
    if (self->link)
        cf_link_bye (self->link);
    cf_link_destroy (&self->link);
    cf_task_free_pool ();
    cf_loop_destroy (&self->loop);
    free (self->calls);
}

/* ---- what is left without the provider ---- */

/*  What the provider took for each call, by its number; 0 where it knows of none. NULL after a line on stderr. */
static uint64_t *
s_provider_us (const cf_load_options_t *options, uint64_t count)
{
    cf_json_t *calls = cf_load_provider_calls ((uint16_t) options->simulator_port), *call;
    uint64_t *took_us = calls? calloc (count, sizeof *took_us): NULL, number;
    size_t at;
    json_array_foreach (calls, at, call)
        if (took_us && sscanf (cf_json_str (call, "idea", ""), "measured idea %" SCNu64, &number) == 1 && number < count)
            took_us [number] = (uint64_t) (cf_json_int (call, "ended_us", 0) - cf_json_int (call, "started_us", 0));
    json_decref (calls);
    return took_us;
}

static int
s_report (const models_t *self, const cf_load_options_t *options, const char *name)
{
    uint64_t *provider_us = s_provider_us (options, self->count), failed = 0;
    if (!provider_us)
        return -1;
    cf_samples_t added;
    cf_samples_init (&added, self->count);
    for (uint64_t at = 0; at < self->count; at++) {
        const one_t *one = &self->calls [at];
        failed += !one->took_us || !provider_us [at];
        if (at >= WARM_UP && one->took_us)
            cf_samples_add (&added, one->took_us > provider_us [at]? one->took_us - provider_us [at]: 0);
    }
    cf_figure_samples (name, &added);
    cf_samples_free (&added);
    free (provider_us);
    if (failed)
        fprintf (stderr, "%s: %" PRIu64 " of %" PRIu64 " calls failed: %s\n", name, failed, self->count, self->error.text);
    return failed? -1: 0;
}

/*  One run, through the router or not. */
static int
s_measure (models_t *self, const cf_load_options_t *options, const char *name)
{
    if (cf_load_set_latency (options->simulator_port, options->latency_ms))
        return -1;
    s_begin (self, options->count + WARM_UP, options->latency_ms * 1000 / options->connections);
    s_turn_until (self, cf_clock_us () + options->seconds * 1000000);
    if (!cf_task_count ())
        return s_report (self, options, name);
    fprintf (stderr, "%s: %zu calls have not ended in time\n", name, cf_task_count ());
    return -1;
}

/*  The response_format that asks for the schema, as text; yours to free. NULL after a line on stderr. */
static char *
s_format (void)
{
    cf_error_t error = { 0 };
    cf_json_t *schema = json_load_file (cf_config_share ("schema/" SCHEMA ".json"), 0, NULL);
    cf_json_t *format = json_pack ("{s:s, s:{s:s, s:b, s:o}}", "type", "json_schema", "json_schema", "name", SCHEMA, "strict", 1, "schema", schema);
    char *text = format? cf_json_print (format): NULL;
    if (!text)
        fprintf (stderr, "the schema " SCHEMA ": %s\n", error.text);
    json_decref (format);
    return text;
}

int
cf_load_models (const cf_load_options_t *options)
{
    models_t self = { .calls = calloc (options->count + WARM_UP, sizeof *self.calls) };
    char name [64], *format = s_format ();
    snprintf (self.url, sizeof self.url, "http://127.0.0.1:%u/v1/chat/completions", (unsigned) options->simulator_port);
    int rc = !self.calls || !format || s_join (&self)? -1: 0;
    self.format = format;
    snprintf (name, sizeof name, "models_%" PRIu64, options->connections);
    rc = rc || s_measure (&self, options, name);
    snprintf (name, sizeof name, "floor_models_%" PRIu64, options->connections);
    if (rc == 0 && (self.http = cf_http_new (self.loop, options->connections * 2 + 16)))
        rc = s_measure (&self, options, name);
    s_leave (&self);
    free (format);
    return rc? 1: 0;
}

/* ---- what a stream costs ---- */

int
cf_load_streams (const cf_load_options_t *options)
{
    models_t self = { .calls = calloc (options->count, sizeof *self.calls) };
    cf_usage_t before = { 0 }, during = { 0 };
    long pid = cf_usage_pid (stdin, "router.1");
    int rc = !self.calls || !pid || s_join (&self) || cf_load_set_latency (options->simulator_port, options->latency_ms)? -1: 0;
    if (rc == 0) {
        cf_usage_add (&before, pid);
        s_begin (&self, options->count, 1000000 / STREAMS_RATE);
        s_turn_until (&self, cf_clock_us () + options->count * 1000000 / STREAMS_RATE + CALM_MS * 1000);
        size_t open = cf_task_count ();
        cf_usage_add (&during, pid);
        cf_figure ("streams_open", (double) open, "");
        cf_figure ("streams_before", (double) before.pss_kb / 1024, "MB");
        cf_figure ("streams_during", (double) during.pss_kb / 1024, "MB");
        cf_figure ("streams_each", open? (double) (during.pss_kb - before.pss_kb) / (double) open: 0, "KB");
        s_turn_until (&self, cf_clock_us () + options->seconds * 1000000);
        rc = open < options->count || cf_task_count () || self.error.code? -1: 0;
    }
    if (rc)
        fprintf (stderr, "streams: %zu have not ended: %s\n", cf_task_count (), self.error.text);
    s_leave (&self);
    return rc? 1: 0;
}
