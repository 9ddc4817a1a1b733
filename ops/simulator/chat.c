/* SPDX-License-Identifier: MPL-2.0 */
/*  chat - the providers' own routes: understands a request once, answers it as often as it comes */

#include "ops/simulator/answer.h"
#include "ops/simulator/call.h"
#include "ops/simulator/embed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  A request's body, read only where the cache does not know it or has not its answer. */
typedef struct {
    cf_server_t *server;
    const cf_format_t *format;
    const char *body;
    size_t size;
    cf_request_t request;
    cf_brief_t brief;
    bool read;
} reading_t;

static int
s_read (reading_t *self, cf_error_t *error)
{
    if (self->read)
        return 0;
    if (self->format->read (self->body, self->size, &self->request, error)) {
        cf_request_free (&self->request);
        return -1;
    }
    if (cf_brief_read (&self->brief, &self->request, &self->server->recall)) {
        cf_request_free (&self->request);
        return cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    }
    self->read = true;
    return 0;
}

static void
s_forget (reading_t *self)
{
    if (self->read) {
        cf_brief_free (&self->brief);
        cf_request_free (&self->request);
    }
    self->read = false;
}

static cf_ask_t *
s_understand (reading_t *self, cf_error_t *error)
{
    uint64_t hash [2];
    cf_cache_hash (self->body, self->size, hash);
    cf_ask_t *ask = cf_cache_lookup (&self->server->cache, hash, self->size);
    if (ask || s_read (self, error))
        return ask;
    ask = cf_cache_add (&self->server->cache, hash, self->size, &self->request, &self->brief);
    if (!ask)
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    return ask;
}

/* ---- answers */

/*  What a fault does to the document and to how its stream ends. */
static void
s_spoil (cf_reply_t *reply, cf_fault_kind_t fault)
{
    static const char refusal [] = "I'm sorry, but I can't help with that.", other [] = "{\"unexpected\":true}";
    size_t share = fault == CF_FAULT_LENGTH? 5: 10;
    switch (fault) {
        case CF_FAULT_LENGTH:
        case CF_FAULT_CONTENT_FILTER:
            reply->finish = fault == CF_FAULT_LENGTH? CF_FINISH_LENGTH: CF_FINISH_FILTER;
            reply->text.size = cf_format_piece_end (reply->text, share == 5? 2: 4, share);
            break;
        case CF_FAULT_REFUSAL:
            reply->refused = true;
            reply->text = (cf_slice_t) { refusal, sizeof refusal - 1 };
            break;
        case CF_FAULT_INVALID_JSON:
            reply->text.size = cf_format_piece_end (reply->text, 6, 10);
            break;
        case CF_FAULT_INVALID_SCHEMA:
            reply->text = (cf_slice_t) { other, sizeof other - 1 };
            break;
        case CF_FAULT_BADCHUNK:
            reply->malformed_chunk = true;
            break;
        case CF_FAULT_NODONE:
            reply->without_end = true;
            break;
        case CF_FAULT_ERROR_IN_STREAM:
            reply->error_midway = true;
            break;
        default:
            break;
    }
}

static cf_rendered_t *
s_render (reading_t *self, const cf_ask_t *ask, bool complaining, cf_fault_kind_t fault)
{
    cf_buf_t text;
    cf_buf_init (&text, CF_FORMAT_MAX_BYTES);
    cf_rendered_t *rendered = calloc (1, sizeof *rendered);
    if (!rendered || cf_answer_write (&self->request, &self->brief, complaining, &text)) {
        free (rendered);
        cf_buf_free (&text);
        return NULL;
    }
    cf_buf_init (&rendered->bytes, 2 * CF_FORMAT_MAX_BYTES);
    cf_reply_t reply = { .text = { text.bytes, text.size }, .prompt_tokens = self->request.prompt_tokens, .id = ask->hash [0] };
    s_spoil (&reply, fault);
    reply.completion_tokens = cf_format_tokens (reply.text);
    if (self->format->render (&self->request, &reply, rendered))
        cf_rendered_destroy (&rendered);
    cf_buf_free (&text);
    return rendered;
}

static bool
s_needs_no_answer (cf_fault_kind_t fault)
{
    return fault == CF_FAULT_STATUS || fault == CF_FAULT_QUOTA || fault == CF_FAULT_CONTEXT || fault == CF_FAULT_RESET
        || fault == CF_FAULT_SILENT;
}

/*  Puts the answer into plan: the cache's where it is an ordinary one, else one of its own. */
static int
s_prepare (reading_t *self, cf_call_plan_t *plan)
{
    cf_fault_kind_t fault = plan->fate.fault.kind;
    if (s_needs_no_answer (fault))
        return 0;
    bool ordinary = fault == CF_FAULT_NONE || fault == CF_FAULT_CUT || fault == CF_FAULT_STALL;
    cf_variant_t variant = plan->fate.qa_fails? CF_VARIANT_COMPLAINING: CF_VARIANT_PLAIN;
    plan->answer = ordinary? plan->ask->rendered [variant]: NULL;
    if (plan->answer)
        return 0;
    cf_rendered_t *rendered = s_read (self, NULL)? NULL: s_render (self, plan->ask, plan->fate.qa_fails, fault);
    if (!rendered)
        return -1;
    if (ordinary)
        cf_cache_keep (&self->server->cache, plan->ask, variant, rendered);
    else
        plan->own = rendered;
    plan->answer = rendered;
    return 0;
}

/* ---- routes */

static bool
s_header (h2o_req_t *req, const char *name, char *value, size_t size)
{
    ssize_t at = h2o_find_header_by_str (&req->headers, name, strlen (name), -1);
    if (at >= 0)
        snprintf (value, size, "%.*s", (int) req->headers.entries [at].value.len, req->headers.entries [at].value.base);
    return at >= 0;
}

/*  What the request's own headers order comes before all else. 0, or -1 where they name no fault. */
static int
s_apply_headers (h2o_req_t *req, cf_fate_t *fate)
{
    char value [64];
    if (s_header (req, "x-sim-latency-ms", value, sizeof value)) {
        uint64_t latency_ms = strtoull (value, NULL, 10);
        fate->latency_ms = latency_ms < CF_FAULT_MAX_LATENCY_MS? latency_ms: CF_FAULT_MAX_LATENCY_MS;
    }
    if (s_header (req, "x-sim-retry-ms", value, sizeof value))
        fate->retry_ms = (unsigned) strtoul (value, NULL, 10);
    return s_header (req, "x-sim-fault", value, sizeof value)? cf_fault_parse (value, &fate->fault): 0;
}

static void
s_on_chat (cf_server_t *server, h2o_req_t *req, const cf_format_t *format)
{
    cf_error_t error = { 0 };
    reading_t reading = { .server = server, .format = format, .body = req->entity.base? req->entity.base: "", .size = req->entity.len };
    cf_call_plan_t plan = { .format = format, .ask = s_understand (&reading, &error) };
    if (!plan.ask) {
        cf_server_fail (req, format, error.code == CF_ERROR_INVALID? 400: 500, NULL, error.text);
        s_forget (&reading);
        return;
    }
    plan.fate = cf_faults_choose (&server->faults, plan.ask->agent, plan.ask->idea, &plan.ask->directives);
    plan.streamed = plan.ask->streamed;
    if (s_apply_headers (req, &plan.fate))
        cf_server_fail (req, format, 400, NULL, "x-sim-fault names no fault of this simulator");
    else if (s_prepare (&reading, &plan))
        cf_server_fail (req, format, 500, NULL, "the simulator ran out of memory");
    else {
        plan.id = cf_journal_open (&server->journal, plan.ask->agent, plan.ask->idea, plan.ask->model, plan.ask->hash [0]);
        cf_call_start (server, req, &plan);
        plan.ask = NULL;                /* the call's */
    }
    cf_cache_release (&plan.ask);
    s_forget (&reading);
}

void
cf_chat_on_openai (cf_server_t *server, h2o_req_t *req)
{
    s_on_chat (server, req, &cf_openai_format);
}

void
cf_chat_on_embeddings (cf_server_t *server, h2o_req_t *req)
{
    static const cf_directives_t none;
    char model [80] = "", about [200] = "";
    cf_error_t error = { 0 };
    uint64_t hash [2];
    cf_call_plan_t plan = { .format = &cf_openai_format, .own = calloc (1, sizeof *plan.own) };
    if (!plan.own) {
        cf_server_fail (req, plan.format, 500, NULL, "the simulator ran out of memory");
        return;
    }
    cf_buf_t *bytes = &plan.own->bytes;
    cf_buf_init (bytes, CF_SERVER_MAX_OUTPUT);
    int rc = cf_embed_answer (req->entity.base? req->entity.base: "", req->entity.len, bytes, model, about, &error);
    plan.fate = cf_faults_choose (&server->faults, CF_FAULTS_EMBEDDING, about, &none);
    if (rc || s_apply_headers (req, &plan.fate)) {
        cf_server_fail (req, plan.format, 400, NULL, rc? error.text: "x-sim-fault names no fault of this simulator");
        cf_rendered_destroy (&plan.own);
        return;
    }
    plan.answer = plan.own;
    plan.own->ends [0] = bytes->size / 2;
    plan.own->ends [1] = bytes->size;
    plan.own->chunks = 2;
    cf_cache_hash (req->entity.base, req->entity.len, hash);
    plan.id = cf_journal_open (&server->journal, CF_FAULTS_EMBEDDING, about, model, hash [0]);
    cf_call_start (server, req, &plan);
}

void
cf_chat_on_models (cf_server_t *server, h2o_req_t *req)
{
    static const char *const models [] = { "gpt-4o", "gpt-4o-mini", "text-embedding-3-small", "text-embedding-3-large" };
    cf_buf_t body;
    cf_buf_init (&body, 4096);
    (void) server;
    cf_buf_puts (&body, "{\"object\":\"list\",\"data\":[");
    for (size_t at = 0; at < sizeof models / sizeof models [0]; at++)
        cf_buf_printf (&body, "%s{\"id\":\"%s\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"codeforge-simulator\"}",
                       at? ",": "", models [at]);
    cf_buf_puts (&body, "]}");
    cf_server_reply (req, 200, body.bytes, body.size);
    cf_buf_free (&body);
}
