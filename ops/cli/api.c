/* SPDX-License-Identifier: MPL-2.0 */
/*  api - every creating request has an idempotency key, so that it may be sent again when its answer was lost */

#include "ops/cli/api.h"
#include "actors/lib/certificate.h"
#include "ops/cli/commands.h"
#include "ops/supervisor/control.h"
#include "ops/supervisor/exits.h"
#include "ops/supervisor/token.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CF_API_TTL_S 86400              /* of the token: longer than any job lives */
#define CF_API_TRIES 5
#define CF_API_WAIT_MS 15000            /* for an answer */
#define CF_API_SILENCE_MS 45000         /* streams say something every 15 s */

struct cf_api_t {
    cf_http_t *http;
    char url [128];                     /* as it is shown */
    char base [CF_CERTIFICATE_NAME_SIZE + 16];  /* as it is asked: over TLS with a name that the certificate is good for */
    cf_buf_t bearer;                    /* "Authorization: Bearer …" */
};

/*  Over TLS the certificate that the settings name is believed, whoever has signed it, and no other. 0, or -1 with error. */
static int
s_trust (cf_api_t *self, const char *file, cf_error_t *error)
{
    cf_certificate_t certificate;
    char host [64];
    unsigned port;
    if (sscanf (self->url, "https://%63[^:]:%u", host, &port) != 2)
        return 0;
    if (cf_certificate_read (file, &certificate, error))
        return -1;
    snprintf (self->base, sizeof self->base, "https://%s:%u", *certificate.name? certificate.name: host, port);
    return cf_http_pin (self->http, file, host, port)? cf_error_set (error, CF_ERROR_INTERNAL, "out of memory."): 0;
}

/*  Where the running one serves, which knows better than our own settings. 0, or -1 with error. */
static int
s_find_url (cf_api_t *self, cf_error_t *error)
{
    const char *host = cf_config_str (CF_CONFIG_BIND_ADDRESS), *certificate = cf_config_str (CF_CONFIG_TLS_CERT);
    snprintf (self->url, sizeof self->url, "http%s://%s:%u", *certificate? "s": "", strcmp (host, "0.0.0.0")? host: "127.0.0.1",
              (unsigned) cf_config_u64 (CF_CONFIG_PORT));
    int fd = cf_control_connect (NULL);
    cf_json_t *request = json_pack ("{s:s}", "command", "status"), *status = fd < 0? NULL: cf_control_ask (fd, request, 5000, NULL);
    if (status)
        snprintf (self->url, sizeof self->url, "%s", cf_json_str (status, "api", self->url));
    snprintf (self->base, sizeof self->base, "%s", self->url);
    int rc = s_trust (self, cf_json_str (status, "certificate", certificate), error);
    json_decref (request);
    json_decref (status);
    if (fd >= 0)
        close (fd);
    return rc;
}

static int
s_sign (cf_api_t *self, const char *user, cf_error_t *error)
{
    char own [CF_UUID_SIZE], secret [CF_TOKEN_SECRET_SIZE];
    if (cf_token_secret (secret, error) || (!user && cf_token_user (own, error)))
        return -1;
    cf_token_claims_t claims = {
        .user = user? user: own, .role = "authenticated", .issued_s = cf_clock_wall_us () / 1000000u, .ttl_s = CF_API_TTL_S
    };
    cf_buf_puts (&self->bearer, "Authorization: Bearer ");
    int result = cf_token_sign (&claims, secret, &self->bearer, error);
    explicit_bzero (secret, sizeof secret);
    return result;
}

cf_api_t *
cf_api_new (cf_loop_t *loop, const char *user, cf_error_t *error)
{
    cf_api_t *self = calloc (1, sizeof *self);
    if (!self || !(self->http = cf_http_new (loop, 4))) {
        free (self);
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory.");
        return NULL;
    }
    cf_buf_init (&self->bearer, 16384);
    if (s_find_url (self, error) || s_sign (self, user, error))
        cf_api_destroy (&self);
    return self;
}

void
cf_api_destroy (cf_api_t **self_p)
{
    cf_api_t *self = *self_p;
    if (!self)
        return;
    cf_http_destroy (&self->http);
    cf_buf_free (&self->bearer);
    free (self);
    *self_p = NULL;
}

const char *
cf_api_url (const cf_api_t *self)
{
    return self->url;
}

/*  A sentence from an answer that is no success. */
static int
s_refuse (const cf_http_response_t *response, cf_error_t *error)
{
    cf_json_t *body = cf_json_parse (response->body.bytes, response->body.size, NULL);
    const char *message = cf_json_str (body, "message", ""), *reason = cf_json_str (json_object_get (body, "details"), "reason", "");
    size_t at;
    cf_json_t *fault, *faults = json_object_get (json_object_get (body, "details"), "errors");
    char text [400];
    if (strcmp (message, reason) == 0)
        reason = "";
    int size = snprintf (text, sizeof text, "%s%s%s", *message? message: "the API answered", *reason? " ": "", reason);
    json_array_foreach (faults, at, fault)
        if (size > 0 && (size_t) size < sizeof text)
            size += snprintf (text + size, sizeof text - (size_t) size, " %s: %s.", cf_json_str (fault, "field", ""),
                              cf_json_str (fault, "message", ""));
    json_decref (body);
    return cf_error_set (error, CF_ERROR_INVALID, "%s (HTTP %ld)", text, response->status);
}

/*  Nobody there, or told to come again: both pass while processes are being restarted. What has begun to come cannot come again. */
static bool
s_may_pass (int result, const cf_http_response_t *response, bool sinks, const cf_error_t *error)
{
    if (result)
        return error->code == CF_ERROR_HTTP_FAILED && !(sinks && response->status / 100 == 2);
    return response->status == 503 || response->status == 429;
}

/*  cf_http_call, as often as there is hope; response is yours to cf_http_response_free. */
static int
s_send (cf_api_t *self, cf_task_t *task, const cf_http_request_t *request, cf_http_sink_fn *sink, void *arg,
        cf_http_response_t *response, cf_error_t *error)
{
    char wait [16];
    for (int tries = 1;; tries++) {
        int result = cf_http_call (task, self->http, request, sink, arg, response, error);
        if (!s_may_pass (result, response, sink != NULL, error) || tries == CF_API_TRIES)
            return result;
        uint64_t pause_ms = cf_http_header (response, "Retry-After", wait, sizeof wait)? strtoul (wait, NULL, 10) * 1000u: 0;
        if (cf_task_sleep (task, pause_ms > 5000? 5000: pause_ms? pause_ms: 200u << tries, error))
            return -1;
        cf_http_response_free (response);
    }
}

int
cf_api_call (cf_api_t *self, cf_task_t *task, const char *method, const char *path, const cf_json_t *body, cf_json_t **answer,
             long *status, cf_error_t *error)
{
    char url [1024], key [64], id [CF_UUID_SIZE];
    snprintf (url, sizeof url, "%s%s", self->base, path);
    snprintf (key, sizeof key, "Idempotency-Key: %s", cf_uuid_new (id));
    bool creates = strcmp (method, "POST") == 0;
    char *headers [] = { self->bearer.bytes, (char []) { "Content-Type: application/json" }, creates? key: NULL, NULL };
    char *text = body? cf_json_print (body): creates? strdup ("{}"): NULL;
    cf_http_request_t request = {
        .method = method, .url = url, .headers = headers, .body = text, .body_size = text? strlen (text): 0,
        .connect_ms = 2000, .first_byte_ms = CF_API_WAIT_MS, .stall_ms = CF_API_WAIT_MS, .max_bytes = 64u << 20
    };
    cf_http_response_t response = { 0 };
    *answer = NULL;
    int result = s_send (self, task, &request, NULL, NULL, &response, error);
    if (status)
        *status = response.status;
    if (result == 0 && response.status / 100 == 2)
        *answer = cf_json_parse (response.body.bytes, response.body.size, NULL);
    else if (result == 0)
        result = s_refuse (&response, error);
    cf_http_response_free (&response);
    free (text);
    return result;
}

int
cf_api_stream (cf_api_t *self, cf_task_t *task, const char *path, const char *last_id, cf_http_sink_fn *sink, void *arg,
               long *status, cf_error_t *error)
{
    char url [1024], last [128];
    snprintf (url, sizeof url, "%s%s", self->base, path);
    snprintf (last, sizeof last, "Last-Event-ID: %s", last_id);
    char *headers [] = { self->bearer.bytes, (char []) { "Accept: text/event-stream" }, *last_id? last: NULL, NULL };
    cf_http_request_t request = {
        .url = url, .headers = headers, .connect_ms = 2000, .first_byte_ms = CF_API_WAIT_MS, .stall_ms = CF_API_SILENCE_MS,
        .max_bytes = SIZE_MAX
    };
    cf_http_response_t response = { 0 };
    int result = cf_http_call (task, self->http, &request, sink, arg, &response, error);
    *status = response.status;
    if (result == 0 && response.status / 100 != 2)
        result = s_refuse (&response, error);
    cf_http_response_free (&response);
    return result;
}

int
cf_api_download (cf_api_t *self, cf_task_t *task, const char *path, cf_http_sink_fn *sink, void *arg, cf_error_t *error)
{
    char url [1024];
    snprintf (url, sizeof url, "%s%s", self->base, path);
    char *headers [] = { self->bearer.bytes, NULL };
    cf_http_request_t request = {
        .url = url, .headers = headers, .connect_ms = 2000, .first_byte_ms = CF_API_SILENCE_MS, .stall_ms = CF_API_SILENCE_MS,
        .max_bytes = SIZE_MAX
    };
    cf_http_response_t response = { 0 };
    int result = s_send (self, task, &request, sink, arg, &response, error);
    if (result == 0 && response.status / 100 != 2)
        result = s_refuse (&response, error);
    else if (result && response.status)
        cf_error_set (error, CF_ERROR_HTTP_FAILED, "the file did not come whole; nothing of it is kept.");
    cf_http_response_free (&response);
    return result;
}

/* ---- one conversation ---- */

typedef struct {
    cf_loop_t *loop;
    cf_api_t *api;
    cf_api_fn *fn;
    void *arg;
    int result;
} conversation_t;

static void
s_converse (cf_task_t *task, void *arg)
{
    conversation_t *self = arg;
    self->result = self->fn (self->api, task, self->arg);
}

int
cf_api_converse (const char *user, cf_api_fn *fn, void *arg)
{
    cf_error_t error = { 0 };
    conversation_t self = { .loop = cf_loop_new (), .fn = fn, .arg = arg, .result = CF_EXIT_SOFTWARE };
    self.api = self.loop? cf_api_new (self.loop, user, &error): NULL;
    if (!self.api)
        self.result = cf_fail (CF_EXIT_UNAVAILABLE, "%s", error.text);
    else if (cf_task_start (self.loop, s_converse, &self, NULL))
        while (cf_task_count ())
            cf_loop_turn (self.loop, -1);
    cf_api_destroy (&self.api);
    cf_task_free_pool ();
    cf_loop_destroy (&self.loop);
    return self.result;
}
