/* SPDX-License-Identifier: MPL-2.0 */
/*  serve - calls in work and calls just answered, by (caller, number)
 *
 *  Answers are kept for a while, bounded by count and bytes, oldest out first: long enough for a caller to
 *  join a new broker and ask again.
 *
 *  A new broker knows nothing of the calls in work. Their callers send them again; whose caller does not (it died, or took the
 *  call back, while no broker was there to say so) is an orphan and is cancelled.
 */

#include "actors/lib/serve.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"
#include "proto/codec.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#define CF_SERVE_KEPT_MAX 8192          /* answered calls remembered */
#define CF_SERVE_KEPT_BYTES (8u << 20)  /* their bodies, together */
#define CF_SERVE_MESSAGES 128           /* message ids are below this */
#define CF_SERVE_ORPHAN_MS 10000        /* after joining a broker: time for callers to send their open calls again */
#define CF_SERVE_KEY_SIZE (CF_ENVELOPE_NAME_SIZE + 24)

typedef struct served_t {
    UT_hash_handle hh;
    struct served_t *prev, *next;       /* among those in work, or among the answered, oldest first */
    cf_task_t *task;                    /* NULL once the handler has ended */
    cf_envelope_t *envelope;            /* of the request */
    void *fields;
    bool orphan;                        /* not heard of since we joined the present broker */
    bool answered;
    cf_kind_t kind;                     /* of the answer, like the next two */
    uint64_t number;
    cf_body_t *body;
    uint64_t call;
    char job [CF_UUID_SIZE];
    char trace [CF_TRACE_SIZE];
    char key [];                        /* caller, blank, number */
} served_t;

static served_t *s_served, *s_working, *s_kept;
static size_t s_kept_count, s_kept_bytes;
static cf_timer_t s_orphans;
static cf_handler_fn *s_handlers [CF_SERVE_MESSAGES];
static void *s_owner;

static void
s_free (served_t *served)
{
    HASH_DEL (s_served, served);
    cf_codec_free (&served->fields);
    cf_body_unref (&served->body);
    free (served->envelope);
    free (served);
}

static void
s_forget_oldest (void)
{
    served_t *oldest = s_kept;
    DL_DELETE (s_kept, oldest);
    s_kept_count--;
    s_kept_bytes -= cf_body_size (oldest->body);
    s_free (oldest);
}

static void
s_send_answer (const served_t *served)
{
    cf_envelope_t answer = { .kind = served->kind, .call = served->call, .number = served->number };
    snprintf (answer.to, sizeof answer.to, "%.*s", (int) strcspn (served->key, " "), served->key);
    memcpy (answer.job, served->job, sizeof answer.job);
    memcpy (answer.trace, served->trace, sizeof answer.trace);
    cf_link_send (cf_link_here (), &answer, served->body);      /* lost with a broker: the caller asks again */
}

static void
s_answer (served_t *served, cf_kind_t kind, uint64_t number, cf_body_t *body)
{
    if (served->answered) {
        cf_body_unref (&body);
        return;
    }
    served->answered = true;
    served->kind = kind;
    served->number = number;
    served->body = body;
    s_send_answer (served);
}

static void
s_answer_failure (served_t *served, cf_error_code_t code, const char *text, const char *details)
{
    cf_body_t *body = cf_body_new (CF_FAILURE, &(cf_failure_t) { .text = text, .details = details });
    s_answer (served, CF_KIND_FAILED, code, body);
}

static void
s_refuse (const cf_envelope_t *envelope, cf_error_code_t code, const char *text)
{
    cf_envelope_t answer = { .kind = CF_KIND_FAILED, .call = envelope->call, .number = code };
    memcpy (answer.to, envelope->from, sizeof answer.to);
    cf_body_t *body = cf_body_new (CF_FAILURE, &(cf_failure_t) { .text = text });
    cf_link_send (cf_link_here (), &answer, body);
    cf_body_unref (&body);
}

static void
s_run (cf_task_t *task, void *arg)
{
    served_t *served = arg;
    served->task = task;
    cf_task_set_owner (task, served);
    cf_task_limit (task, served->envelope->deadline_ms);
    s_handlers [served->envelope->message] (task, served->fields, s_owner);
    if (!served->answered) {
        cf_error_t error = { 0 };
        if (cf_task_wait_status (task, &error) == 0)
            cf_error_set (&error, CF_ERROR_INTERNAL, "%s was not answered", cf_message_row (served->envelope->message)->name);
        s_answer_failure (served, error.code, error.text, "");
    }
    served->task = NULL;
    cf_codec_free (&served->fields);
    free (served->envelope);
    served->envelope = NULL;
    DL_DELETE (s_working, served);
    DL_APPEND (s_kept, served);
    s_kept_count++;
    s_kept_bytes += cf_body_size (served->body);
    while (s_kept_count > CF_SERVE_KEPT_MAX || (s_kept_bytes > CF_SERVE_KEPT_BYTES && s_kept_count > 1))
        s_forget_oldest ();
}

static served_t *
s_lookup (const cf_envelope_t *envelope, char key [CF_SERVE_KEY_SIZE])
{
    served_t *served;
    snprintf (key, CF_SERVE_KEY_SIZE, "%s %llx", envelope->from, (unsigned long long) envelope->call);
    HASH_FIND_STR (s_served, key, served);
    return served;
}

static served_t *
s_new (const cf_envelope_t *envelope, const char *key, void *fields)
{
    size_t size = strlen (key) + 1;
    served_t *served = calloc (1, sizeof *served + size);
    if (!served || !(served->envelope = malloc (sizeof *envelope))) {
        free (served);
        return NULL;
    }
    *served->envelope = *envelope;
    served->fields = fields;
    served->call = envelope->call;
    memcpy (served->job, envelope->job, sizeof served->job);
    memcpy (served->trace, envelope->trace, sizeof served->trace);
    memcpy (served->key, key, size);
    HASH_ADD_KEYPTR (hh, s_served, served->key, size - 1, served);
    DL_APPEND (s_working, served);
    return served;
}

static void
s_on_call (void *arg, const cf_envelope_t *envelope, const void *bytes, size_t size)
{
    (void) arg;
    char key [CF_SERVE_KEY_SIZE];
    served_t *served = s_lookup (envelope, key);
    if (served) {
        cf_metric_add (CF_METRIC_link_duplicates_total, 1);
        served->orphan = false;
        if (served->answered)
            s_send_answer (served);
        return;
    }
    cf_error_t error;
    if (envelope->message >= CF_SERVE_MESSAGES || !s_handlers [envelope->message]) {
        cf_metric_add (CF_METRIC_link_malformed_total, 1);
        cf_log_warning ("message %u from %s is not for us", envelope->message, envelope->from);
        s_refuse (envelope, CF_ERROR_BAD_MESSAGE, "this actor does not handle that message");
        return;
    }
    void *fields = cf_codec_decode (envelope->message, bytes, size, &error);
    if (!fields) {
        cf_metric_add (CF_METRIC_link_malformed_total, 1);
        cf_log_warning ("from %s: %s", envelope->from, error.text);
        s_refuse (envelope, error.code, error.text);
        return;
    }
    served = s_new (envelope, key, fields);
    if (!served) {
        cf_codec_free (&fields);
        s_refuse (envelope, CF_ERROR_BUSY, "out of memory");
        return;
    }
    cf_task_context_t context = { .priority = envelope->priority, .attempt = envelope->attempt };
    memcpy (context.job, envelope->job, sizeof context.job);
    memcpy (context.user, envelope->user, sizeof context.user);
    memcpy (context.request, envelope->request, sizeof context.request);
    memcpy (context.trace, envelope->trace, sizeof context.trace);
    if (!cf_task_start (cf_link_loop (cf_link_here ()), s_run, served, &context)) {
        s_refuse (envelope, CF_ERROR_BUSY, "no stack for another task");
        DL_DELETE (s_working, served);
        s_free (served);
    }
}

static void
s_on_cancel (void *arg, const cf_envelope_t *envelope, const void *bytes, size_t size)
{
    (void) arg;
    (void) bytes;
    (void) size;
    char key [CF_SERVE_KEY_SIZE];
    served_t *served = s_lookup (envelope, key);
    if (served && served->task)
        cf_task_cancel (served->task, CF_ERROR_CANCELLED);
}

/* ---- after a broker's death ---- */

static void
s_on_orphans (void *arg)
{
    (void) arg;
    served_t *served;
    DL_FOREACH (s_working, served)
        if (served->orphan && !served->answered) {
            served->orphan = false;
            cf_log_info ("%s: its caller is gone", served->key);
            cf_task_cancel (served->task, CF_ERROR_ACTOR_GONE);
        }
}

static void
s_on_joined (void *arg)
{
    (void) arg;
    served_t *served;
    DL_FOREACH (s_working, served)
        served->orphan = true;
    if (s_working)
        cf_timer_set (cf_link_loop (cf_link_here ()), &s_orphans, CF_SERVE_ORPHAN_MS, s_on_orphans, NULL);
}

static bool
s_is_ours (cf_actor_id_t actor, const cf_message_row_t *row)
{
    if (row->reply == CF_NONE)
        return false;
    return row->handled_by == actor
        || (row->handled_by == CF_ACTOR_AGENTS && actor < CF_ACTOR_COUNT && cf_message_actor (actor)->kind == CF_ACTOR_KIND_AGENT);
}

/*  Every request that the table gives to actor must have its handler, and no other may. */
static void
s_check_coverage (cf_actor_id_t actor)
{
    const cf_message_row_t *row;
    for (size_t at = 0; (row = cf_message_row_at (at)); at++) {
        assert (row->id < CF_SERVE_MESSAGES);
        if (s_is_ours (actor, row) != (s_handlers [row->id] != NULL)) {
            cf_log_error ("%s: the table and the handlers disagree", row->name);
            abort ();
        }
    }
}

void
cf_serve (cf_actor_id_t actor, const cf_handler_t *handlers, size_t count, void *owner)
{
    s_owner = owner;
    for (size_t at = 0; at < count; at++)
        s_handlers [handlers [at].id] = handlers [at].fn;
    if (actor != CF_ACTOR_CALLER)
        s_check_coverage (actor);
    cf_link_listen (cf_link_here (), CF_KIND_CALL, s_on_call, NULL);
    cf_link_listen (cf_link_here (), CF_KIND_CANCEL, s_on_cancel, NULL);
    cf_link_on_joined (cf_link_here (), s_on_joined, NULL);
}

void
cf_reply_body (cf_task_t *task, cf_body_t *body)
{
    served_t *served = cf_task_owner (task);
    if (body)
        s_answer (served, CF_KIND_REPLY, 0, cf_body_ref (body));
    else
        s_answer_failure (served, CF_ERROR_INTERNAL, "the answer is too large to send", "");
}

void
cf_reply (cf_task_t *task, const void *fields)
{
    served_t *served = cf_task_owner (task);
    cf_body_t *body = cf_body_new (cf_message_row (served->envelope->message)->reply, fields);
    cf_reply_body (task, body);
    cf_body_unref (&body);
}

void
cf_fail_with (cf_task_t *task, cf_error_code_t code, const char *text, const char *details)
{
    s_answer_failure (cf_task_owner (task), code, text, details);
}

void
cf_fail (cf_task_t *task, const cf_error_t *error)
{
    cf_fail_with (task, error->code, error->text, "");
}

const cf_envelope_t *
cf_serve_envelope (cf_task_t *task)
{
    return ((served_t *) cf_task_owner (task))->envelope;
}

size_t
cf_serve_count (void)
{
    return HASH_COUNT (s_served) - s_kept_count;
}

void
cf_serve_free (void)
{
    if (cf_link_here ())
        cf_timer_clear (cf_link_loop (cf_link_here ()), &s_orphans);
    while (s_kept)
        s_forget_oldest ();
}
