/* SPDX-License-Identifier: MPL-2.0 */
/*  api - a loop around one HTTP request; the log has neither paths nor bodies, which are the user's */

#include "actors/github/api.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_API_TRIES 4u                 /* of what fails on GitHub's side */
#define CF_API_PAUSE_MS 500u            /* before the second of them; doubles */
#define CF_API_LIMIT_MS 1000u            /* least pause at a limit, whatever GitHub asks for */
#define CF_API_CONNECT_MS 10000u
#define CF_API_FIRST_BYTE_MS 30000u     /* GitHub gives a request up after 10 s */
#define CF_API_STALL_MS 15000u

struct cf_api_t {
    cf_http_t *http;
    const char *url;
    char *authorization;                /* the whole header */
    uint64_t due_ms;
    cf_api_wait_fn *fn;
    void *arg;
    unsigned writes;
    uint64_t date_us;
};

cf_api_t *
cf_api_new (cf_http_t *http, const char *url, const char *token, uint64_t due_ms, cf_api_wait_fn *fn, void *arg)
{
    cf_api_t *self = calloc (1, sizeof *self);
    if (!self || asprintf (&self->authorization, "Authorization: Bearer %s", token) < 0) {
        free (self);
        return NULL;
    }
    self->http = http;
    self->url = url;
    self->due_ms = due_ms;
    self->fn = fn;
    self->arg = arg;
    return self;
}

void
cf_api_destroy (cf_api_t **self_p)
{
    cf_api_t *self = *self_p;
    if (!self)
        return;
    explicit_bzero (self->authorization, strlen (self->authorization));
    free (self->authorization);
    free (self);
    *self_p = NULL;
}

unsigned
cf_api_writes (const cf_api_t *self)
{
    return self->writes;
}

uint64_t
cf_api_date_us (const cf_api_t *self)
{
    return self->date_us;
}

void
cf_api_answer_free (cf_api_answer_t *answer)
{
    json_decref (answer->document);
    answer->document = NULL;
}

/* ---- one request ---- */

/*  How it went: a verdict, and in *unheard whether GitHub surely did not see it. -1 with error where the task is to end. */
static int
s_send (cf_api_t *self, cf_task_t *task, const char *method, const char *path, const char *body, bool once, cf_api_answer_t *answer,
        bool *unheard, cf_error_t *error)
{
    char url [2048];
    if (snprintf (url, sizeof url, "%s%s", self->url, path) >= (int) sizeof url)
        return cf_error_set (error, CF_ERROR_INTERNAL, "the path of a call is too long");
    char *const headers [] = {
        self->authorization, "Accept: application/vnd.github+json", "X-GitHub-Api-Version: 2022-11-28",
        body? "Content-Type: application/json": NULL, NULL
    };
    const cf_http_request_t request = {
        .method = method, .url = url, .headers = headers, .body = body, .body_size = body? strlen (body): 0,
        .once = once, .connect_ms = CF_API_CONNECT_MS, .first_byte_ms = CF_API_FIRST_BYTE_MS, .stall_ms = CF_API_STALL_MS
    };
    cf_http_response_t response;
    cf_error_t failure = { 0 };
    int rc = cf_http_call (task, self->http, &request, NULL, NULL, &response, &failure);
    bool ended = rc && response.failure == CF_HTTP_CANCELLED;
    *unheard = rc && (response.failure == CF_HTTP_CONNECT || response.failure == CF_HTTP_TLS);
    cf_judge_t judged = { .kind = CF_JUDGE_DOWN };
    if (rc == 0) {
        judged = cf_judge_response (&response, cf_clock_wall_us ());
        answer->document = cf_json_parse (response.body.bytes, response.body.size, NULL);
        if (judged.kind == CF_JUDGE_DONE && !answer->document)
            judged.kind = CF_JUDGE_DOWN;                /* something between us and GitHub that speaks no JSON */
    }
    answer->kind = judged.kind;
    answer->wait_ms = judged.wait_ms;
    answer->status = rc? 0: response.status;
    if (judged.date_us)
        self->date_us = judged.date_us;
    if (judged.kind != CF_JUDGE_DONE && !ended)
        cf_log_info ("GitHub: %s: %s %ld %s", method, cf_judge_name (judged.kind), answer->status, rc? failure.text: "");
    cf_http_response_free (&response);
    if (ended && error)
        *error = failure;
    return ended? -1: 0;
}

/* ---- as often as it takes ---- */

/*  How long to wait before it is sent again; 0: it is not. */
static uint64_t
s_pause_ms (const cf_api_t *self, const cf_api_answer_t *answer, unsigned failures, bool repeatable)
{
    uint64_t pause_ms = 0, now_ms = cf_clock_ms ();
    if (answer->kind == CF_JUDGE_LIMITED)
        pause_ms = answer->wait_ms > CF_API_LIMIT_MS? answer->wait_ms: CF_API_LIMIT_MS;
    else if (answer->kind == CF_JUDGE_DOWN && repeatable && failures < CF_API_TRIES) {
        pause_ms = CF_API_PAUSE_MS << (failures - 1);
        if (answer->wait_ms > pause_ms)
            pause_ms = answer->wait_ms;
    }
    return now_ms + pause_ms < self->due_ms? pause_ms: 0;
}

int
cf_api_call (cf_api_t *self, cf_task_t *task, const char *method, const char *path, const char *body, bool once,
             cf_api_answer_t *answer, cf_error_t *error)
{
    unsigned failures = 0;
    *answer = (cf_api_answer_t) { .kind = CF_JUDGE_DOWN };
    for (;;) {
        bool unheard;
        cf_api_answer_free (answer);
        self->writes += strcmp (method, "GET") != 0;
        if (s_send (self, task, method, path, body, once, answer, &unheard, error))
            return -1;
        failures += answer->kind == CF_JUDGE_DOWN;
        uint64_t pause_ms = s_pause_ms (self, answer, failures, !once || unheard);
        if (!pause_ms)
            return 0;
        if (answer->kind == CF_JUDGE_LIMITED && self->fn)
            self->fn (self->arg, pause_ms);
        if (cf_task_sleep (task, pause_ms, error)) {
            cf_api_answer_free (answer);
            return -1;
        }
    }
}
