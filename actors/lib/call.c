/* SPDX-License-Identifier: MPL-2.0 */
/*  call - open calls by number; each keeps its body until it is answered, to send it again */

#include "actors/lib/call.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CF_CALL_GRACE_MS 250            /* the broker ends a call on time; without a broker we do, a little later */
#define CF_CALL_RESEND_MS 50            /* for what the pipe did not take */
#define CF_CALL_PAUSE_MS 20             /* first pause before a dead actor is asked again; doubles to … */
#define CF_CALL_PAUSE_MAX_MS 500
#define CF_CALL_TIMEOUT_MAX_MS 3600000u

typedef struct {
    UT_hash_handle hh;
    uint64_t number;
    cf_task_t *task;                    /* waits for it */
    cf_envelope_t envelope;
    cf_body_t *body;
    uint64_t due_ms;                    /* monotonic */
    cf_timer_t timer;                   /* resend, or our own end of time */
    bool sent, done;
    void *reply;                        /* decoded */
    cf_error_t error;
} call_t;

static call_t *s_calls;
static uint64_t s_last_number;
static char *s_details;

size_t
cf_call_count (void)
{
    return HASH_COUNT (s_calls);
}

const char *
cf_call_details (void)
{
    return s_details? s_details: "";
}

static void
s_finish (call_t *call)
{
    call->done = true;
    cf_timer_clear (cf_task_loop (call->task), &call->timer);
    cf_task_wake (call->task);
}

static void s_send (call_t *call);

static void
s_on_timer (void *arg)
{
    call_t *call = arg;
    if (!call->sent && cf_clock_ms () < call->due_ms)
        s_send (call);
    else {
        cf_error_set (&call->error, CF_ERROR_TIMEOUT, "%s to %s: no answer in time", cf_message_row (call->envelope.message)->name, call->envelope.to);
        s_finish (call);
    }
}

static void
s_send (call_t *call)
{
    uint64_t now_ms = cf_clock_ms ();
    uint64_t left_ms = call->due_ms > now_ms? call->due_ms - now_ms: 1;
    call->envelope.deadline_ms = (uint32_t) left_ms;
    call->sent = cf_link_send (cf_link_here (), &call->envelope, call->body) == 0;
    uint64_t wait_ms = call->sent? left_ms + CF_CALL_GRACE_MS: left_ms < CF_CALL_RESEND_MS? left_ms: CF_CALL_RESEND_MS;
    cf_timer_set (cf_task_loop (call->task), &call->timer, wait_ms, s_on_timer, call);
}

/*  The callee's error, from number and body of a FAILED. */
static void
s_take_failure (call_t *call, const cf_envelope_t *envelope, const void *bytes, size_t size)
{
    cf_error_code_t code = cf_error_from ((uint32_t) envelope->number);
    cf_failure_t *failure = envelope->message == CF_FAILURE? cf_codec_decode (CF_FAILURE, bytes, size, NULL): NULL;
    cf_error_set (&call->error, code, "%s", failure && *failure->text? failure->text: cf_error_sentence (code));
    free (s_details);
    s_details = failure && *failure->details? strdup (failure->details): NULL;
    cf_codec_free (&failure);
}

static void
s_on_answer (void *arg, const cf_envelope_t *envelope, const void *bytes, size_t size)
{
    (void) arg;
    call_t *call;
    HASH_FIND (hh, s_calls, &envelope->call, sizeof envelope->call, call);
    if (!call || call->done)
        return;                 /* taken back, or answered twice around a broker's death */
    if (envelope->kind == CF_KIND_FAILED)
        s_take_failure (call, envelope, bytes, size);
    else if (envelope->message != cf_message_row (call->envelope.message)->reply)
        cf_error_set (&call->error, CF_ERROR_BAD_MESSAGE, "%s answered with message %u", call->envelope.to, envelope->message);
    else
        call->reply = cf_codec_decode (envelope->message, bytes, size, &call->error);
    s_finish (call);
}

static void
s_on_joined (void *arg)
{
    (void) arg;
    call_t *call, *next;
    HASH_ITER (hh, s_calls, call, next)
        if (!call->done) {
            cf_metric_add (CF_METRIC_link_resent_total, 1);
            s_send (call);
        }
}

static void
s_listen (void)
{
    cf_link_listen (cf_link_here (), CF_KIND_REPLY, s_on_answer, NULL);
    cf_link_listen (cf_link_here (), CF_KIND_FAILED, s_on_answer, NULL);
    cf_link_on_joined (cf_link_here (), s_on_joined, NULL);
}

static void
s_address (call_t *call, const char *to, cf_message_id_t id)
{
    const cf_task_context_t *context = cf_task_context (call->task);
    cf_envelope_t *envelope = &call->envelope;
    envelope->kind = CF_KIND_CALL;
    envelope->message = id;
    envelope->call = call->number;
    envelope->priority = context->priority;
    envelope->attempt = context->attempt;
    snprintf (envelope->to, sizeof envelope->to, "%s", to);
    memcpy (envelope->job, context->job, sizeof envelope->job);
    memcpy (envelope->user, context->user, sizeof envelope->user);
    memcpy (envelope->request, context->request, sizeof envelope->request);
    if (*context->trace)
        cf_trace_child (context->trace, envelope->trace);
}

static void
s_cancel (call_t *call)
{
    cf_envelope_t envelope = { .kind = CF_KIND_CANCEL, .call = call->number };
    memcpy (envelope.to, call->envelope.to, sizeof envelope.to);
    cf_link_send (cf_link_here (), &envelope, NULL);
}

/*  One call, sent and waited for. */
static void *
s_call (cf_task_t *task, const char *to, cf_message_id_t id, cf_body_t *body, uint64_t timeout_ms, cf_error_t *error)
{
    if (!s_last_number)
        cf_uuid_random (&s_last_number, 4);     /* so that a process with a reused pid does not repeat numbers */
    call_t call = { .number = ++s_last_number, .task = task, .body = body, .due_ms = cf_clock_ms () + timeout_ms };
    s_address (&call, to, id);
    HASH_ADD (hh, s_calls, number, sizeof call.number, &call);
    cf_metric_add (CF_METRIC_link_calls_total, 1);
    s_send (&call);
    int rc = 0;
    while (!call.done && rc == 0)
        rc = cf_task_wait (task, error);
    HASH_DEL (s_calls, &call);
    cf_timer_clear (cf_task_loop (task), &call.timer);
    if (rc && !call.done)
        s_cancel (&call);
    if (rc)
        cf_codec_free (&call.reply);
    else if (!call.reply && error)
        *error = call.error;
    return call.reply;
}

static bool
s_bus_error (cf_error_code_t code)
{
    return code == CF_ERROR_ACTOR_GONE || code == CF_ERROR_NO_ACTOR;
}

static bool
s_never (cf_error_code_t code)
{
    (void) code;
    return false;
}

static void *
s_call_again (cf_task_t *task, const char *to, cf_message_id_t id, const void *fields, uint32_t timeout_ms,
              bool (*retryable) (cf_error_code_t), cf_error_t *error)
{
    cf_error_t local;
    if (!error)
        error = &local;
    *error = (cf_error_t) { 0 };
    if (cf_task_wait_status (task, error))
        return NULL;            /* sent and taken back at once, it might be done all the same */
    s_listen ();
    cf_body_t *body = cf_body_new (id, fields);
    if (!body) {
        cf_error_set (error, CF_ERROR_BAD_MESSAGE, "%s is too large to send", cf_message_row (id)->name);
        return NULL;
    }
    uint64_t timeout = timeout_ms < CF_CALL_TIMEOUT_MAX_MS? timeout_ms: CF_CALL_TIMEOUT_MAX_MS;
    uint64_t due_ms = cf_clock_ms () + cf_task_left_ms (task, timeout);
    uint64_t pause_ms = CF_CALL_PAUSE_MS;
    void *reply;
    for (;;) {
        uint64_t now_ms = cf_clock_ms ();
        reply = s_call (task, to, id, body, due_ms > now_ms? due_ms - now_ms: 1, error);
        if (reply || !retryable (error->code) || cf_clock_ms () + pause_ms >= due_ms)
            break;
        cf_log_debug ("%s to %s: %s; asking again", cf_message_row (id)->name, to, error->text);
        if (cf_task_sleep (task, pause_ms, error))
            break;
        pause_ms = pause_ms * 2 < CF_CALL_PAUSE_MAX_MS? pause_ms * 2: CF_CALL_PAUSE_MAX_MS;
    }
    cf_body_unref (&body);
    return reply;
}

static const char *
s_handled_by (cf_message_id_t id)
{
    return cf_message_actor (cf_message_row (id)->handled_by)->name;
}

void *
cf_call (cf_task_t *task, cf_message_id_t id, const void *fields, uint32_t timeout_ms, cf_error_t *error)
{
    return s_call_again (task, s_handled_by (id), id, fields, timeout_ms, s_bus_error, error);
}

void *
cf_call_to (cf_task_t *task, const char *to, cf_message_id_t id, const void *fields, uint32_t timeout_ms, cf_error_t *error)
{
    return s_call_again (task, to, id, fields, timeout_ms, s_bus_error, error);
}

void *
cf_call_once (cf_task_t *task, const char *to, cf_message_id_t id, const void *fields, uint32_t timeout_ms, cf_error_t *error)
{
    return s_call_again (task, to, id, fields, timeout_ms, s_never, error);
}

void *
cf_call_patiently (cf_task_t *task, cf_message_id_t id, const void *fields, uint32_t timeout_ms, cf_error_t *error)
{
    return s_call_again (task, s_handled_by (id), id, fields, timeout_ms, cf_error_retryable, error);
}
