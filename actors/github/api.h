/* SPDX-License-Identifier: MPL-2.0 */
/*  api - calls of GitHub's REST API under one token, one after the other
 *
 *  Waits where GitHub asks for it, asks again where GitHub or the way to it fails, both only as long as there is time. The token
 *  is in its memory alone, and is overwritten at its end.
 */
#ifndef CF_GITHUB_API_H
#define CF_GITHUB_API_H

#include "actors/github/judge.h"
#include "proto/base/json.h"

#define CF_API_PATH_MAX 1024u

typedef struct cf_api_t cf_api_t;

/*  Tells that GitHub asked for a pause. */
typedef void (cf_api_wait_fn) (void *arg, uint64_t wait_ms);

typedef struct {
    cf_judge_kind_t kind;
    long status;                /* 0: there was no answer */
    uint64_t wait_ms;           /* what LIMITED or DOWN asked for, where that was too long */
    cf_json_t *document;        /* body, where it is JSON; or NULL */
} cf_api_answer_t;

/*  url: where the API is, without a slash at its end. due_ms: monotonic; what would have to be waited for past it is not. fn may be NULL. NULL when
    out of memory. */
cf_api_t *cf_api_new (cf_http_t *http, const char *url, const char *token, uint64_t due_ms, cf_api_wait_fn *fn, void *arg);
void cf_api_destroy (cf_api_t **self_p);

/*  A call: method and path ("/user"), body JSON text or NULL. once: it must not be sent again unless it surely was not heard (it makes
    something). 0 with an answer of any kind, yours to cf_api_answer_free; -1 with error where the task was cancelled or is overdue. */
int cf_api_call (cf_api_t *self, cf_task_t *task, const char *method, const char *path, const char *body, bool once,
                 cf_api_answer_t *answer, cf_error_t *error);
/*  Safe twice, and on a zeroed one. */
void cf_api_answer_free (cf_api_answer_t *answer);

/*  Calls so far that were to change something, repeated ones included. */
unsigned cf_api_writes (const cf_api_t *self);
/*  GitHub's wall clock at the last answer; 0: unknown. */
uint64_t cf_api_date_us (const cf_api_t *self);

#endif
