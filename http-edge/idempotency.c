/* SPDX-License-Identifier: MPL-2.0 */
/*  idempotency - claim, work, settle, answer; in this order, so that an answer that was seen has been kept
 *
 *  While the handler works, the claim is renewed; so a process that dies frees it within seconds. A process that stops interrupts
 *  the work, and forgets the claim.
 */

#include "http-edge/idempotency.h"
#include "actors/lib/call.h"
#include "http-edge/reply.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define DIGEST_SIZE 32
#define SETTLE_MS 5000u
#define RENEW_MS 2000u                  /* a quarter of what the store waits for (CF_KEYS_CLAIM_SECONDS) */
#define FIRST_PAUSE_MS 10u              /* before a running request is looked at again; doubles to … */
#define LAST_PAUSE_MS 500u

struct cf_idempotency_t {
    char key [CF_IDEMPOTENCY_KEY_MAX + 1];
    char hash [2 * DIGEST_SIZE + 1];    /* of method, path and body, without a token */
    char claim [CF_UUID_SIZE];          /* this request */
    char id [CF_UUID_SIZE];
    cf_json_t *headers;
    char *body;                         /* NULL: not answered yet */
    size_t size;
    int status;
    bool working;                       /* the handler is at it: what it answers is taken */
    bool interrupted;                   /* it is to come to an end */
    cf_timer_t renewal;
    cf_task_t *task;                    /* where the handler works */
    cf_idempotency_t *prev, *next;      /* all that work */
};

/*  What a renewal needs, which may outlive the request by one question. */
typedef struct {
    char user [CF_UUID_SIZE], key [CF_IDEMPOTENCY_KEY_MAX + 1], claim [CF_UUID_SIZE];
} renewal_t;

static cf_idempotency_t *s_working;

/* ---- the request as it came ---- */

static bool
s_concerns (const cf_request_t *request)
{
    const cf_route_t *route = request->route;
    return route->method == CF_METHOD_POST && route->access == CF_ACCESS_USER && route->runs == CF_RUNS_TASK && route->schema
        && strcmp (route->schema, "empty") != 0;
}

static bool
s_take_key (cf_request_t *request, char key [CF_IDEMPOTENCY_KEY_MAX + 1])
{
    const h2o_headers_t *headers = &request->http->headers;
    ssize_t first = h2o_find_header_by_str (headers, H2O_STRLIT ("idempotency-key"), -1);
    h2o_iovec_t value = headers->entries [first].value;
    bool good = value.len >= 1 && value.len <= CF_IDEMPOTENCY_KEY_MAX
        && h2o_find_header_by_str (headers, H2O_STRLIT ("idempotency-key"), first) < 0;
    for (size_t at = 0; good && at < value.len; at++)
        good = value.base [at] >= ' ' && value.base [at] <= '~';
    if (good) {
        memcpy (key, value.base, value.len);
        key [value.len] = 0;
    }
    else
        cf_reply_refused (request, "Idempotency-Key", "must be one value of 1 to 255 printable ASCII characters");
    return good;
}

/*  Each part with its length before it, so that no two requests are the same bytes. */
static void
s_digest (const h2o_iovec_t *parts, size_t count, unsigned char digest [DIGEST_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new ();
    if (!context || EVP_DigestInit_ex (context, EVP_sha256 (), NULL) != 1)
        abort ();                       /* out of memory: the supervisor restarts the process */
    for (size_t at = 0; at < count; at++) {
        uint64_t size = parts [at].len;
        EVP_DigestUpdate (context, &size, sizeof size);
        EVP_DigestUpdate (context, parts [at].base, parts [at].len);
    }
    EVP_DigestFinal_ex (context, digest, NULL);
    EVP_MD_CTX_free (context);
}

/*  What the body says but for a token, of which the database gets not even a hash: the same export with another token is the same.
    Yours to free; NULL where there is no token in it, and the bytes as they came will do. */
static char *
s_without_token (const cf_request_t *request)
{
    static const char token [] = "github_token";
    if (!json_object_get (request->body, token))
        return NULL;
    cf_json_t *rest = json_copy (request->body);
    json_object_del (rest, token);
    char *text = rest? cf_json_print (rest): NULL;
    json_decref (rest);
    if (!text)
        abort ();                       /* out of memory: the supervisor restarts the process */
    return text;
}

/*  The hash says whether a request is the same; the id, whose it is, too: a UUID of version 8 (RFC 9562, section 5.8). */
static void
s_name (cf_idempotency_t *self, const cf_request_t *request)
{
    const h2o_req_t *http = request->http;
    unsigned char digest [DIGEST_SIZE];
    char *rest = s_without_token (request);
    h2o_iovec_t body = rest? h2o_iovec_init (rest, strlen (rest)): http->entity;
    s_digest ((h2o_iovec_t []) { http->input.method, http->input.path, body }, 3, digest);
    free (rest);
    for (size_t at = 0; at < sizeof digest; at++)
        snprintf (self->hash + 2 * at, 3, "%02x", digest [at]);
    s_digest ((h2o_iovec_t []) { h2o_iovec_init (request->user, strlen (request->user)), h2o_iovec_init (self->key, strlen (self->key)),
                                 h2o_iovec_init (self->hash, sizeof self->hash - 1) }, 3, digest);
    digest [6] = (unsigned char) (0x80 | (digest [6] & 0x0F));
    digest [8] = (unsigned char) (0x80 | (digest [8] & 0x3F));
    cf_uuid_unpack (digest, self->id);
}

/* ---- the answer as it was given ---- */

bool
cf_idempotency_takes (const cf_idempotency_t *self)
{
    return self && self->working;
}

void
cf_idempotency_take_header (cf_idempotency_t *self, const char *name, const char *value)
{
    json_object_set_new (self->headers, name, json_string (value));
}

void
cf_idempotency_take_answer (cf_idempotency_t *self, int status, const char *body, size_t size)
{
    if (self->body)
        return;
    self->status = status;
    self->size = size;
    self->body = malloc (size + 1);
    if (!self->body)
        abort ();
    memcpy (self->body, body, size);
    self->body [size] = 0;
}

char *
cf_idempotency_id (const cf_idempotency_t *self, char id [CF_UUID_SIZE])
{
    return memcpy (id, self->id, CF_UUID_SIZE);
}

static void
s_put_headers (cf_request_t *request, cf_json_t *headers)
{
    const char *name;
    cf_json_t *value;
    json_object_foreach (headers, name, value)
        if (json_is_string (value))
            cf_reply_header (request, h2o_strdup (&request->http->pool, name, SIZE_MAX).base, json_string_value (value));
}

static void
s_replay (cf_request_t *request, const cf_key_claimed_t *claimed)
{
    if (!request->http)
        return;
    cf_json_t *headers = cf_json_parse (claimed->headers, strlen (claimed->headers), NULL);
    s_put_headers (request, headers);
    json_decref (headers);
    cf_reply_header (request, "idempotent-replayed", "true");
    cf_reply_json (request, (int) claimed->status, claimed->answer, strlen (claimed->answer));
}

/* ---- the claim, while the handler works ---- */

static void
s_renew (cf_task_t *task, void *arg)
{
    renewal_t *renewal = arg;
    cf_error_t error = { 0 };
    cf_effect_applied_t *renewed = cf_call (task, CF_KEY_RENEW, &(cf_key_renew_t) {
        .user = renewal->user, .key = renewal->key, .claim = renewal->claim }, RENEW_MS, &error);
    if (!renewed)
        cf_log_debug ("an idempotency key was not renewed: %s", error.text);
    cf_codec_free (&renewed);
    free (renewal);
}

static void
s_on_renewal (void *arg)
{
    cf_request_t *request = arg;
    const cf_idempotency_t *self = request->claim;
    renewal_t *renewal = malloc (sizeof *renewal);
    cf_timer_set (request->loop, &request->claim->renewal, RENEW_MS, s_on_renewal, request);
    if (!renewal)
        return;                         /* the next one may have room */
    memcpy (renewal->user, request->user, sizeof renewal->user);
    memcpy (renewal->key, self->key, sizeof renewal->key);
    memcpy (renewal->claim, self->claim, sizeof renewal->claim);
    if (!cf_task_start (request->loop, s_renew, renewal, NULL))
        free (renewal);
}

/* ---- in the request's task ---- */

static cf_key_claimed_t *
s_ask_claim (cf_request_t *request, const cf_idempotency_t *self)
{
    cf_task_shield (request->task, true);       /* a claim that was asked for is known of, or it would be left behind */
    cf_key_claimed_t *claimed = cf_request_ask (request, CF_KEY_CLAIM, &(cf_key_claim_t) {
        .user = request->user, .key = self->key, .hash = self->hash, .claim = self->claim });
    cf_task_shield (request->task, false);
    return claimed;
}

/*  Whether the key is ours now; else the request has been answered. */
static bool
s_claim (cf_request_t *request, const cf_idempotency_t *self)
{
    uint64_t due_ms = cf_clock_ms () + CF_IDEMPOTENCY_WAIT_MS, pause_ms = FIRST_PAUSE_MS;
    cf_error_t error = { 0 };
    while (cf_task_wait_status (request->task, &error) == 0) {
        cf_key_claimed_t *claimed = s_ask_claim (request, self);
        if (!claimed)
            return false;
        bool ours = strcmp (claimed->state, "yours") == 0, running = strcmp (claimed->state, "running") == 0;
        if (strcmp (claimed->state, "answered") == 0)
            s_replay (request, claimed);
        else if (!ours && !running)
            cf_reply_fault (request, CF_FAULT_KEY_REUSED, NULL);
        cf_codec_free (&claimed);
        if (!running)
            return ours;
        if (cf_clock_ms () + pause_ms > due_ms) {
            cf_reply_fault (request, CF_FAULT_KEY_RUNNING, json_pack ("{s:s}", "field", "Idempotency-Key"));
            return false;
        }
        cf_task_sleep (request->task, pause_ms, &error);
        pause_ms = 2 * pause_ms < LAST_PAUSE_MS? 2 * pause_ms: LAST_PAUSE_MS;
    }
    cf_reply_error (request, &error);
    return false;
}

/*  Keeps the answer, or forgets the claim where there is none to be kept. */
static void
s_settle (cf_request_t *request, const cf_idempotency_t *self)
{
    cf_error_t error = { 0 };
    bool keep = self->body && self->status >= 200 && self->status < 300;
    char *headers = cf_json_print (self->headers);
    cf_effect_applied_t *settled = cf_call_patiently (request->task, CF_KEY_SETTLE, &(cf_key_settle_t) {
        .user = request->user, .key = self->key, .claim = self->claim, .status = keep? (uint32_t) self->status: 0,
        .headers = headers? headers: "{}", .answer = keep? self->body: "" }, SETTLE_MS, &error);
    if (!settled)
        cf_log_warning ("an idempotency key could not be settled: %s", error.text);
    cf_codec_free (&settled);
    free (headers);
}

/*  The handler, which goes on where the client leaves: what it makes is there then. Where it has not begun yet, it does not. */
static void
s_work (cf_request_t *request, cf_idempotency_t *self)
{
    cf_error_t error = { 0 };
    if (cf_task_wait_status (request->task, &error)) {
        cf_reply_error (request, &error);
        return;
    }
    cf_timer_set (request->loop, &self->renewal, RENEW_MS, s_on_renewal, request);
    cf_task_shield (request->task, true);
    self->task = request->task;
    self->working = true;
    DL_APPEND (s_working, self);
    request->route->fn (request);
    DL_DELETE (s_working, self);
    self->working = false;
    if (!self->interrupted)
        cf_task_shield (request->task, false);
    cf_timer_clear (request->loop, &self->renewal);
}

static void
s_run (cf_request_t *request)
{
    cf_idempotency_t *self = request->claim;
    if (!s_claim (request, self))
        return;
    s_work (request, self);
    cf_task_shield (request->task, true);
    s_settle (request, self);
    cf_task_shield (request->task, false);
    if (!self->body || !request->http)
        return;
    s_put_headers (request, self->headers);
    cf_reply_json (request, self->status, self->body, self->size);
}

void
cf_idempotency_interrupt_all (cf_error_code_t code)
{
    cf_idempotency_t *self, *next;
    DL_FOREACH_SAFE (s_working, self, next)
        if (!self->interrupted) {
            self->interrupted = true;
            cf_task_shield (self->task, false);
            cf_task_cancel (self->task, code);
        }
}

/* ---- life ---- */

bool
cf_idempotency_begin (cf_request_t *request)
{
    if (!s_concerns (request) || !cf_request_header (request, "idempotency-key").base)
        return true;
    char key [CF_IDEMPOTENCY_KEY_MAX + 1];
    if (!s_take_key (request, key))
        return false;
    cf_idempotency_t *self = calloc (1, sizeof *self);
    if (!self || !(self->headers = json_object ())) {
        cf_idempotency_destroy (&self);
        cf_reply_fault (request, CF_FAULT_BUSY, NULL);
        return false;
    }
    memcpy (self->key, key, sizeof key);
    cf_uuid_new (self->claim);
    s_name (self, request);
    request->claim = self;
    request->fn = s_run;
    return true;
}

void
cf_idempotency_destroy (cf_idempotency_t **self_p)
{
    cf_idempotency_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    json_decref (self->headers);
    free (self->body);
    free (self);
}
