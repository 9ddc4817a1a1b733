/* SPDX-License-Identifier: MPL-2.0 */
/*  await - a job that a request starts, and the end of the job that the request waits for
 *
 *  The edge chooses a job's id, so that the runtime may send JOB_CREATE twice and still make one job. Then it asks for the job as it is
 *  once it has ended (JOB_AWAIT), again where `jobs` or the broker died meanwhile. The request's task waits; no thread does.
 */
#ifndef CF_EDGE_AWAIT_H
#define CF_EDGE_AWAIT_H

#include "http-edge/request.h"
#include "proto/message.h"

#define CF_AWAIT_MAX 900u               /* requests that wait at once */

typedef struct {
    const char *agent;          /* kind of job */
    const char *project;        /* id, or "" */
    const cf_json_t *input;     /* input_context, or NULL */
    const char *secret;         /* that the job must know and nobody may keep, or NULL */
    uint32_t wait_s;            /* for its end; 0: not at all */
    bool tied;                  /* the job is of no use without the request: cancelled where the client leaves or the wait is over; not
                                   where this process stops under an idempotency key, with which the client can come back to it */
} cf_await_wish_t;

/*  Makes the job. NULL after having answered the request; else what was accepted, yours to cf_codec_free, and in *ended the
    Job where it ended within the time (likewise), or NULL. */
cf_job_accepted_t *cf_await_job (cf_request_t *request, const cf_await_wish_t *wish, cf_job_shown_t **ended);
/*  202 with where to look. */
void cf_await_reply_accepted (cf_request_t *request, const cf_job_accepted_t *accepted);

/*  What agent makes of input (which it takes) for a request that waits for it: the job's result, yours to json_decref. NULL after
    having answered: 202 where `Prefer: respond-async` asks for the job instead, or what became of the job. It is cancelled when
    the client leaves. */
cf_json_t *cf_await_result (cf_request_t *request, const char *agent, const char *project, cf_json_t *input);

/*  The same with a secret that the job's agent may read (cf_work_secret), or NULL. It is never written anywhere: a job that outlives
    the memory of `jobs` before it was begun fails. */
cf_json_t *cf_await_result_with (cf_request_t *request, const char *agent, const char *project, cf_json_t *input, const char *secret);

#endif
