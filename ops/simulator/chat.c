/* SPDX-License-Identifier: MPL-2.0 */
/*  chat - the providers' own routes: understands a request once, answers it as often as it comes */

#include "ops/simulator/answer.h"
#include "ops/simulator/call.h"
#include "ops/simulator/embed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  What a request's head says; the body of some formats does not tell everything. */
typedef struct {
    const cf_format_t *format;
    const char *kind;                   /* tells equal bodies apart that mean different things; NULL: the body says all */
    char model [80];                    /* "": in the body */
    bool streamed;                      /* where model is given */
} head_t;

/*  A request's body, read only where the cache does not know it or has not its answer. */
typedef struct {
    cf_server_t *server;
    const cf_format_t *format;
    const head_t *head;
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
    if (self->head->model [0]) {
        memcpy (self->request.model, self->head->model, sizeof self->request.model);
        self->request.streamed = self->head->streamed;
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

static void
s_hash (const reading_t *self, uint64_t hash [2])
{
    const head_t *head = self->head;
    cf_cache_hash (self->body, self->size, hash);
    if (head->kind) {
        char text [160];
        uint64_t more [2];
        int size = snprintf (text, sizeof text, "%s %s %d", head->kind, head->model, head->streamed);
        cf_cache_hash (text, (size_t) size, more);
        hash [0] ^= more [0];
        hash [1] ^= more [1];
    }
}

static cf_ask_t *
s_understand (reading_t *self, cf_error_t *error)
{
    uint64_t hash [2];
    s_hash (self, hash);
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

/*  As models do it: what does not fit is never said. */
static void
s_limit (cf_reply_t *reply, unsigned max_tokens)
{
    size_t size = max_tokens? cf_format_cut (reply->text, max_tokens): reply->text.size;
    if (size < reply->text.size) {
        reply->text.size = size;
        reply->finish = CF_FINISH_LENGTH;
    }
}

/*  The document, and around it what chatty models say. 0, or -1. */
static int
s_write (const reading_t *self, bool flawed, cf_fault_kind_t fault, cf_buf_t *text)
{
    bool fenced = fault == CF_FAULT_FENCED;
    if (fenced)
        cf_buf_puts (text, "Here is what you asked for, {as always}:\n\n```json\n");
    if (cf_answer_write (&self->request, &self->brief, flawed, text))
        return -1;
    return fenced? cf_buf_puts (text, "\n```\n\nShall I change {anything}?"): 0;
}

static cf_rendered_t *
s_render (reading_t *self, const cf_ask_t *ask, bool flawed, cf_fault_kind_t fault)
{
    cf_buf_t text;
    cf_buf_init (&text, CF_FORMAT_MAX_BYTES);
    cf_rendered_t *rendered = calloc (1, sizeof *rendered);
    if (!rendered || s_write (self, flawed, fault, &text)) {
        free (rendered);
        cf_buf_free (&text);
        return NULL;
    }
    cf_buf_init (&rendered->bytes, 2 * CF_FORMAT_MAX_BYTES);
    cf_reply_t reply = { .text = { text.bytes, text.size }, .prompt_tokens = self->request.prompt_tokens, .id = ask->hash [0] };
    s_spoil (&reply, fault);
    s_limit (&reply, self->request.max_tokens);
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
    cf_variant_t variant = plan->fate.flawed? CF_VARIANT_FLAWED: CF_VARIANT_PLAIN;
    plan->answer = ordinary? plan->ask->rendered [variant]: NULL;
    if (plan->answer)
        return 0;
    cf_rendered_t *rendered = s_read (self, NULL)? NULL: s_render (self, plan->ask, plan->fate.flawed, fault);
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
s_on_chat (cf_server_t *server, h2o_req_t *req, const head_t *head)
{
    cf_error_t error = { 0 };
    const cf_format_t *format = head->format;
    reading_t reading = { .server = server, .format = format, .head = head, .body = req->entity.base? req->entity.base: "", .size = req->entity.len };
    cf_call_plan_t plan = { .format = format, .ask = s_understand (&reading, &error) };
    if (!plan.ask) {
        cf_server_fail (req, format, error.code == CF_ERROR_INVALID? 400: 500, NULL, error.text);
        s_forget (&reading);
        return;
    }
    plan.fate = cf_faults_choose (&server->faults, format->name, plan.ask->agent, plan.ask->idea, &plan.ask->directives);
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
    s_on_chat (server, req, &(head_t) { .format = &cf_openai_format });
}

void
cf_chat_on_anthropic (cf_server_t *server, h2o_req_t *req)
{
    char version [24];
    if (!s_header (req, "anthropic-version", version, sizeof version))
        cf_server_fail (req, &cf_anthropic_format, 400, NULL, "anthropic-version: header is required");
    else if (strcmp (version, "2026-10-21") < 0)
        s_on_chat (server, req, &(head_t) { .format = &cf_anthropic_format, .kind = "anthropic" });
    else
        s_on_chat (server, req, &(head_t) { .format = &cf_anthropic_new_format, .kind = "anthropic-new" });
}

/* ---- embeddings */

typedef int (embed_fn) (const char *body, size_t size, cf_buf_t *out, char *model, char *about, cf_error_t *error);

/*  model (80 bytes): from the address, or "". */
static void
s_on_embeddings (cf_server_t *server, h2o_req_t *req, const cf_format_t *format, embed_fn *answer, char *model)
{
    static const cf_directives_t none;
    char about [200] = "";
    cf_error_t error = { 0 };
    uint64_t hash [2];
    cf_call_plan_t plan = { .format = format, .own = calloc (1, sizeof *plan.own) };
    if (!plan.own) {
        cf_server_fail (req, plan.format, 500, NULL, "the simulator ran out of memory");
        return;
    }
    cf_buf_t *bytes = &plan.own->bytes;
    cf_buf_init (bytes, CF_SERVER_MAX_OUTPUT);
    int rc = answer (req->entity.base? req->entity.base: "", req->entity.len, bytes, model, about, &error);
    plan.fate = cf_faults_choose (&server->faults, format->name, CF_FAULTS_EMBEDDING, about, &none);
    if (rc || s_apply_headers (req, &plan.fate)) {
        cf_server_fail (req, plan.format, 400, NULL, rc? error.text: "x-sim-fault names no fault of this simulator");
        cf_rendered_destroy (&plan.own);
        return;
    }
    plan.answer = plan.own;
    (void) cf_format_end_whole (plan.own);
    cf_cache_hash (req->entity.base, req->entity.len, hash);
    plan.id = cf_journal_open (&server->journal, CF_FAULTS_EMBEDDING, about, model, hash [0]);
    cf_call_start (server, req, &plan);
}

void
cf_chat_on_embeddings (cf_server_t *server, h2o_req_t *req)
{
    char model [80] = "";
    s_on_embeddings (server, req, &cf_openai_format, cf_embed_answer, model);
}

/* ---- Gemini: model and method stand in the address */

void
cf_chat_on_gemini (cf_server_t *server, h2o_req_t *req)
{
    static const char models [] = CF_CHAT_GEMINI_MODELS;
    head_t head = { .format = &cf_gemini_format, .kind = "gemini" };
    char name [160], *method;
    snprintf (name, sizeof name, "%.*s", (int) (req->path_normalized.len - (sizeof models - 1)), req->path_normalized.base + sizeof models - 1);
    method = strchr (name, ':');
    if (!method || method == name || method - name >= (ptrdiff_t) sizeof head.model) {
        cf_server_fail (req, head.format, 404, NULL, "No such method.");
        return;
    }
    *method++ = 0;
    memcpy (head.model, name, strlen (name) + 1);
    head.streamed = !strcmp (method, "streamGenerateContent");
    bool events = memmem (req->path.base, req->path.len, "alt=sse", 7) != NULL;
    if (head.streamed && !events)
        cf_server_fail (req, head.format, 400, NULL, "This simulator streams events only: add ?alt=sse to the address.");
    else if (head.streamed || !strcmp (method, "generateContent"))
        s_on_chat (server, req, &head);
    else if (!strcmp (method, "embedContent"))
        s_on_embeddings (server, req, head.format, cf_embed_answer_gemini, head.model);
    else if (!strcmp (method, "batchEmbedContents"))
        s_on_embeddings (server, req, head.format, cf_embed_answer_gemini_batch, head.model);
    else
        cf_server_fail (req, head.format, 404, NULL, "No such method.");
}

/* ---- lists of models */

/*  A row for each model, its name between before and after. */
static void
s_list_models (h2o_req_t *req, const char *head, const char *const *models, const char *before, const char *after, const char *tail)
{
    cf_buf_t body;
    cf_buf_init (&body, 4096);
    cf_buf_puts (&body, head);
    for (size_t at = 0; models [at]; at++)
        cf_buf_printf (&body, "%s%s%s%s", at? ",": "", before, models [at], after);
    cf_buf_puts (&body, tail);
    cf_server_reply (req, 200, body.bytes, body.size);
    cf_buf_free (&body);
}

void
cf_chat_on_models (cf_server_t *server, h2o_req_t *req)
{
    static const char *const openai [] = { "gpt-4o", "gpt-4o-mini", "text-embedding-3-small", "text-embedding-3-large", NULL };
    static const char *const anthropic [] = { "claude-3-5-sonnet", NULL };
    char version [24];
    (void) server;
    if (s_header (req, "anthropic-version", version, sizeof version))
        s_list_models (req, "{\"data\":[", anthropic, "{\"type\":\"model\",\"id\":\"",
                       "\",\"display_name\":\"A simulated model\",\"created_at\":\"2023-11-14T22:13:20Z\"}",
                       "],\"has_more\":false,\"first_id\":\"claude-3-5-sonnet\",\"last_id\":\"claude-3-5-sonnet\"}");
    else
        s_list_models (req, "{\"object\":\"list\",\"data\":[", openai, "{\"id\":\"",
                       "\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"codeforge-simulator\"}", "]}");
}

void
cf_chat_on_gemini_models (cf_server_t *server, h2o_req_t *req)
{
    static const char *const models [] = { "gemini-1.5-pro", "gemini-embedding-001", NULL };
    (void) server;
    s_list_models (req, "{\"models\":[", models, "{\"name\":\"models/",
                   "\",\"version\":\"001\",\"displayName\":\"A simulated model\",\"inputTokenLimit\":2000000,\"outputTokenLimit\":8192}", "]}");
}
