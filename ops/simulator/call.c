/* SPDX-License-Identifier: MPL-2.0 */
/*  call - delivery
 *
 *  h2o stops reading an HTTP/1 connection while an answer is pending, so a client that leaves goes unnoticed; each pending
 *  call's socket is therefore also in an epoll of its own that reports hang-ups only. A call dies with its
 *  request (h2o calls s_on_dispose however that ends) and is found again by slot and generation, never by pointer.
 */

#include "ops/simulator/call.h"
#include "proto/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define FIRST_TOKEN_PERCENT 20          /* of the latency */
#define MAX_SLOTS (1u << 20)
#define EVENTS 256

struct cf_call_t {
    h2o_generator_t generator;          /* first: h2o hands it back */
    cf_heap_node_t timer;
    cf_server_t *server;
    h2o_req_t *req;
    cf_call_plan_t plan;
    uint64_t started_us;
    size_t sent;                        /* chunks */
    size_t stop;                        /* chunks to be sent */
    size_t slot;
    bool begun;                         /* the response's head is on its way */
    bool busy;                          /* h2o has a chunk in flight, or the end: nothing may be sent */
    bool closed;                        /* the journal knows the end */
    bool gone;                          /* the client is */
};

/* ---- life */

static int
s_grow_slots (cf_server_t *server)
{
    size_t count = server->slot_count? server->slot_count * 2: 1024;
    void *slots = count > MAX_SLOTS? NULL: realloc (server->slots, count * sizeof *server->slots);
    if (!slots)
        return -1;
    server->slots = slots;
    for (size_t slot = count; slot-- > server->slot_count; server->free_slot = slot)
        server->slots [slot] = (cf_slot_t) { .next = server->free_slot };
    server->slot_count = count;
    return 0;
}

static int
s_take_slot (cf_server_t *server, cf_call_t *call)
{
    if (server->free_slot == SIZE_MAX && s_grow_slots (server))
        return -1;
    call->slot = server->free_slot;
    server->free_slot = server->slots [call->slot].next;
    server->slots [call->slot].call = call;
    return 0;
}

static void
s_give_slot (cf_server_t *server, size_t slot)
{
    server->slots [slot].call = NULL;
    server->slots [slot].generation++;
    server->slots [slot].next = server->free_slot;
    server->free_slot = slot;
}

static void
s_close (cf_call_t *self, cf_outcome_t outcome)
{
    char name [CF_FAULT_NAME_SIZE];
    if (self->closed)
        return;
    self->closed = true;
    if (self->plan.fate.fault.kind)
        outcome = CF_OUTCOME_FAULT;
    cf_journal_close (&self->server->journal, self->plan.id, outcome, cf_fault_name (self->plan.fate.fault, name));
    if (outcome == CF_OUTCOME_FINISHED && self->plan.ask)
        cf_faults_answered (&self->server->faults, self->plan.ask->agent, &self->plan.ask->directives);
}

static void
s_on_dispose (void *shared)
{
    cf_call_t *self = shared;
    s_close (self, CF_OUTCOME_CLIENT_CLOSED);
    cf_heap_remove (&self->server->timers, &self->timer);
    if (self->slot != SIZE_MAX)
        s_give_slot (self->server, self->slot);
    cf_rendered_destroy (&self->plan.own);
    cf_cache_release (&self->plan.ask);
}

/* ---- the connection */

static int
s_socket (const cf_call_t *self)
{
    return h2o_socket_get_fd (self->req->conn->callbacks->get_socket (self->req->conn));
}

/*  Wants to know when the client leaves. */
static void
s_watch (cf_call_t *self)
{
    if (self->slot == SIZE_MAX && s_take_slot (self->server, self))
        return;
    struct epoll_event event = { .events = EPOLLRDHUP | EPOLLONESHOT };
    event.data.u64 = (uint64_t) self->server->slots [self->slot].generation << 32 | self->slot;
    int fd = s_socket (self);
    if (epoll_ctl (self->server->watch, EPOLL_CTL_MOD, fd, &event))
        epoll_ctl (self->server->watch, EPOLL_CTL_ADD, fd, &event);
}

static void
s_begin (cf_call_t *self)
{
    if (self->begun)
        return;
    self->begun = true;
    h2o_start_response (self->req, &self->generator);
}

/*  Ends the connection without ending the answer. */
static void
s_break_off (cf_call_t *self)
{
    s_begin (self);
    self->busy = true;
    h2o_send (self->req, NULL, 0, H2O_SEND_STATE_ERROR);
}

/*  Disconnecting a connected TCP socket makes the kernel send a reset; h2o's next write then fails. */
static void
s_reset (cf_call_t *self)
{
    struct sockaddr none = { .sa_family = AF_UNSPEC };
    (void) connect (s_socket (self), &none, sizeof none);
    s_close (self, CF_OUTCOME_FAULT);
    s_break_off (self);
}

/* ---- chunks */

static uint64_t
s_due_us (const cf_call_t *self, size_t chunk)
{
    uint64_t latency_us = self->plan.fate.latency_ms * 1000;
    const cf_rendered_t *answer = self->plan.answer;
    size_t chunks = answer->spoken? answer->spoken: answer->chunks;
    if (!self->plan.streamed || chunks < 2 || chunk >= chunks)
        return self->started_us + latency_us;
    uint64_t first = latency_us * FIRST_TOKEN_PERCENT / 100;
    return self->started_us + first + (latency_us - first) * chunk / (chunks - 1);
}

static void
s_send (cf_call_t *self, size_t until)
{
    const cf_rendered_t *answer = self->plan.answer;
    size_t start = self->sent? answer->ends [self->sent - 1]: 0;
    bool last = until == answer->chunks;
    h2o_iovec_t bytes = h2o_iovec_init (answer->bytes.bytes + start, answer->ends [until - 1] - start);
    s_begin (self);
    self->sent = until;
    self->busy = true;
    if (last)
        s_close (self, CF_OUTCOME_FINISHED);
    h2o_send (self->req, &bytes, 1, last? H2O_SEND_STATE_FINAL: H2O_SEND_STATE_IN_PROGRESS);
}

/*  Sends what is due, or waits for it. */
static void
s_advance (cf_call_t *self)
{
    if (self->busy)
        return;
    if (self->gone) {
        s_break_off (self);
        return;
    }
    if (self->sent == self->stop) {
        if (self->plan.fate.fault.kind == CF_FAULT_CUT) {
            s_close (self, CF_OUTCOME_FAULT);
            s_break_off (self);
        }
        return;                         /* stalled */
    }
    size_t until = self->sent;
    uint64_t now = self->plan.fate.latency_ms? cf_clock_us (): 0;
    while (until < self->stop && (!self->plan.fate.latency_ms || s_due_us (self, until) <= now))
        until++;
    if (until > self->sent)
        s_send (self, until);
    else
        cf_heap_put (&self->server->timers, &self->timer, s_due_us (self, self->sent));
}

static void
s_on_proceed (h2o_generator_t *generator, h2o_req_t *req)
{
    cf_call_t *self = (cf_call_t *) generator;
    (void) req;
    self->busy = false;
    s_advance (self);
}

static void
s_on_stop (h2o_generator_t *generator, h2o_req_t *req)
{
    (void) req;
    s_close ((cf_call_t *) generator, CF_OUTCOME_CLIENT_CLOSED);
}

/* ---- start */

static void
s_put_header (h2o_req_t *req, const char *name, const char *format, uint64_t value)
{
    char text [40];
    int size = snprintf (text, sizeof text, "%s%" PRIu64, format, value);
    h2o_iovec_t copy = h2o_strdup (&req->pool, text, (size_t) size);
    h2o_add_header_by_str (&req->pool, &req->res.headers, name, strlen (name), 0, NULL, copy.base, copy.len);
}

static void
s_fail (cf_call_t *self)
{
    static const struct { cf_fault_kind_t kind; int status; const char *code, *message; } rows [] = {
        { CF_FAULT_STATUS, 401, "invalid_api_key", "Incorrect API key provided." },
        { CF_FAULT_STATUS, 429, "rate_limit_exceeded", "Rate limit reached for requests." },
        { CF_FAULT_QUOTA, 429, "insufficient_quota", "You exceeded your current quota, please check your plan and billing details." },
        { CF_FAULT_CONTEXT, 400, "context_length_exceeded", "This model's maximum context length is exceeded by your messages." },
        { CF_FAULT_STATUS, 503, NULL, "The engine is currently overloaded, please try again later." },
        { CF_FAULT_STATUS, 0, NULL, "The server had an error while processing your request." },
    };
    const cf_fault_t *fault = &self->plan.fate.fault;
    size_t row = 0;
    while (rows [row].kind != fault->kind || (rows [row].status && fault->kind == CF_FAULT_STATUS && rows [row].status != fault->status))
        row++;
    int status = rows [row].status? rows [row].status: fault->status;
    if ((status == 429 || status == 503) && !self->plan.format->retry_in_body) {
        s_put_header (self->req, "retry-after", "", (self->plan.fate.retry_ms + 999) / 1000);
        s_put_header (self->req, "retry-after-ms", "", self->plan.fate.retry_ms);
    }
    s_close (self, CF_OUTCOME_FAULT);
    cf_server_fail_for (self->req, self->plan.format, status, rows [row].code, rows [row].message, self->plan.fate.retry_ms);
}

static void
s_deliver (cf_call_t *self)
{
    h2o_req_t *req = self->req;
    size_t chunks = self->plan.answer->chunks;
    bool half = self->plan.fate.fault.kind == CF_FAULT_CUT || self->plan.fate.fault.kind == CF_FAULT_STALL;
    self->stop = half? (chunks + 1) / 2: chunks;
    req->res.status = 200;
    req->res.reason = "OK";
    const char *type = self->plan.streamed? "text/event-stream; charset=utf-8": "application/json";
    h2o_add_header (&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type, strlen (type));
    if (self->plan.streamed)
        h2o_add_header (&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL, H2O_STRLIT ("no-cache"));
    else if (!half)
        req->res.content_length = self->plan.answer->bytes.size;
    if (self->plan.fate.latency_ms || half)
        s_watch (self);
    s_advance (self);
}

void
cf_call_start (cf_server_t *server, h2o_req_t *req, const cf_call_plan_t *plan)
{
    cf_call_t *self = h2o_mem_alloc_shared (&req->pool, sizeof *self, s_on_dispose);
    *self = (cf_call_t) {
        .generator = { s_on_proceed, s_on_stop }, .server = server, .req = req, .plan = *plan, .started_us = cf_clock_us (), .slot = SIZE_MAX
    };
    s_put_header (req, "x-request-id", "req_simulated_", plan->id);
    s_put_header (req, "request-id", "req_simulated_", plan->id);       /* as Anthropic calls it */
    switch (plan->fate.fault.kind) {
        case CF_FAULT_STATUS:
        case CF_FAULT_QUOTA:
        case CF_FAULT_CONTEXT:
            s_fail (self);
            break;
        case CF_FAULT_RESET:
            s_reset (self);
            break;
        case CF_FAULT_SILENT:
            s_watch (self);
            break;
        default:
            s_deliver (self);
    }
}

uint64_t
cf_call_fire (cf_server_t *server)
{
    uint64_t now = cf_clock_us ();
    cf_heap_node_t *node;
    while ((node = cf_heap_peek (&server->timers)) && node->key <= now) {
        cf_heap_remove (&server->timers, node);
        server->fired = true;
        s_advance (H2O_STRUCT_FROM_MEMBER (cf_call_t, timer, node));
    }
    return node? node->key - now: UINT64_MAX;
}

void
cf_call_on_watch (cf_server_t *server)
{
    struct epoll_event events [EVENTS];
    int count = epoll_wait (server->watch, events, EVENTS, 0);
    for (int at = 0; at < count; at++) {
        size_t slot = (uint32_t) events [at].data.u64;
        uint32_t generation = (uint32_t) (events [at].data.u64 >> 32);
        cf_call_t *self = slot < server->slot_count && server->slots [slot].generation == generation? server->slots [slot].call: NULL;
        if (!self || self->gone)
            continue;
        self->gone = true;
        s_close (self, CF_OUTCOME_CLIENT_CLOSED);
        s_advance (self);
    }
}
