/* SPDX-License-Identifier: MPL-2.0 */
/*  attempt - one request to one route, from its first byte to a verdict; knows nothing of other attempts
 */
#ifndef CF_PROVIDERS_ATTEMPT_H
#define CF_PROVIDERS_ATTEMPT_H

#include "actors/lib/http.h"
#include "actors/providers/route.h"
#include "actors/providers/tokens.h"
#include "actors/providers/unsaved.h"

/*  How it went. */
typedef struct {
    cf_failure_class_t failure;         /* CF_FAILURE_NONE: well */
    long status;                        /* of HTTP, 0: there was none */
    uint32_t retry_after_ms;            /* what the provider asked for, 0: nothing */
    bool final;                         /* the provider says that the same request will fail again */
    uint64_t lost;                      /* millionths of a US dollar that it is assumed to have cost, where no answer came of it */
} cf_verdict_t;

/*  Asks route and shows its output to tokens as it comes. 0 with a verdict, and answer filled in (free it) where that is
    CF_FAILURE_NONE; -1 with error when the task was cancelled or overdue: the connection is closed then, and verdict has no more
    than lost. */
int cf_attempt_chat (cf_task_t *task, cf_http_t *http, const cf_route_t *route, const cf_provider_ask_t *ask,
                     cf_tokens_t *tokens, cf_answer_t *answer, cf_verdict_t *verdict, cf_error_t *error);
/*  The same for an embedding of text. */
int cf_attempt_embed (cf_task_t *task, cf_http_t *http, const cf_route_t *route, const char *text,
                      float values [CF_PROVIDER_DIMENSIONS], cf_verdict_t *verdict, cf_error_t *error);

/*  What a stream that was read so far comes to, when its connection ended in transport. structured: its text must be JSON. */
cf_failure_class_t cf_attempt_judge (const cf_reading_t *reading, cf_http_failure_t transport, bool structured);

#endif
