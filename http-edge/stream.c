/* SPDX-License-Identifier: MPL-2.0 */
/*  stream - one buffer in flight, one filling
 *
 *  h2o takes the next bytes only when the last ones are written, so a slow client shows as a filling buffer. Past half
 *  of CF_STREAM_MAX_BYTES it gets no more tokens; what is not a token and does not fit ends the stream, and the client
 *  comes back for it. A single event always fits into an empty buffer, however large its result is.
 *
 *  A stream is freed when h2o drops its request, or by its catch-up task where one is at work then.
 */

#include "http-edge/stream.h"
#include "actors/lib/call.h"
#include "actors/lib/event.h"
#include "http-edge/frame.h"
#include "http-edge/reply.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define CF_STREAM_MAX_BYTES (256u * 1024u)
#define CF_STREAM_FRAME_MAX_BYTES (CF_CODEC_MAX_BYTES + CF_STREAM_MAX_BYTES)
#define CF_STREAM_SILENCE_MS 15000u     /* then a comment is sent, so that nobody between thinks the connection dead */
#define CF_STREAM_STALL_MS 60000u       /* a client that takes nothing for so long is cut off */
#define CF_STREAM_AGAIN_MS 1000u        /* the ledger did not answer: ask it again */
#define CF_STREAM_RETRY_MS 2000
#define CF_STREAM_TOPICS_MAX 19000u     /* subscribed to at once; the broker takes 20,000 of a peer */
#define CF_STREAM_CATCHING_MAX 256      /* tasks that ask the ledger at once; the other streams wait their turn */

typedef struct stream_t stream_t;

struct stream_t {
    h2o_generator_t generator;
    cf_request_t *request;              /* NULL: h2o has dropped it */
    stream_t *prev, *next;              /* all that are open */
    stream_t *queue_prev, *queue_next;  /* those whose turn to catch up is to come */
    cf_task_t *task;                    /* catches up; NULL before its first turn */
    cf_subscription_t *events, *tokens;
    cf_buf_t filling, flying;
    uint64_t last;                      /* sequence number sent */
    uint64_t newest;                    /* seen while catching up */
    uint64_t sent_ms;                   /* when h2o last took something */
    cf_timer_t timer;
    uint32_t progress;                  /* last seen, for tokens */
    bool catching_up;                   /* events are not taken as they come: in the queue, working or stale */
    bool queued, working, stale;
    bool again;                         /* something may have been lost after the ledger was asked */
    bool in_flight, ending, over;       /* over: nothing more will be sent */
    bool wants_tokens;
    char job [CF_UUID_SIZE], user [CF_UUID_SIZE];
};

static stream_t *s_streams, *s_queue;
static unsigned s_open, s_topics, s_catching;

static void s_pump (void);

/* ---- life ---- */

static cf_subscription_t *
s_subscribe (stream_t *self, const char *kind, cf_event_fn *fn)
{
    char topic [CF_ENVELOPE_NAME_SIZE];
    snprintf (topic, sizeof topic, "%s.%s", kind, self->job);
    cf_subscription_t *subscription = s_topics < CF_STREAM_TOPICS_MAX? cf_event_subscribe (topic, fn, self): NULL;
    s_topics += subscription != NULL;
    return subscription;
}

static void
s_unsubscribe (stream_t *self)
{
    s_topics -= self->events? 1u: 0u;
    s_topics -= self->tokens? 1u: 0u;
    cf_event_unsubscribe (&self->events);
    cf_event_unsubscribe (&self->tokens);
}

static void
s_free (stream_t *self)
{
    s_unsubscribe (self);
    cf_buf_free (&self->filling);
    cf_buf_free (&self->flying);
    free (self);
}

static void
s_leave_queue (stream_t *self)
{
    if (self->queued)
        DL_DELETE2 (s_queue, self, queue_prev, queue_next);
    self->queued = false;
}

static void
s_on_gone (void *owner)
{
    stream_t *self = owner;
    self->request = NULL;
    self->over = true;
    s_leave_queue (self);
    cf_timer_clear (cf_link_loop (cf_link_here ()), &self->timer);
    s_unsubscribe (self);
    DL_DELETE (s_streams, self);
    cf_metric_set (CF_METRIC_edge_streams_open, --s_open);
    if (self->task)
        cf_task_cancel (self->task, CF_ERROR_CANCELLED);
    if (!self->working)
        s_free (self);
}

/*  Cuts the connection: h2o's write fails, and it drops the request. */
static void
s_cut (stream_t *self)
{
    self->over = true;
    cf_request_cut (self->request);
    if (self->in_flight)
        return;
    static const char comment [] = ":\n\n";
    h2o_iovec_t bytes = h2o_iovec_init (comment, sizeof comment - 1);
    self->in_flight = true;
    h2o_send (self->request->http, &bytes, 1, H2O_SEND_STATE_IN_PROGRESS);
}

static void
s_on_hangup (void *owner)
{
    stream_t *self = owner;
    if (!self->over)
        s_cut (self);
}

/* ---- sending ---- */

static void
s_flush (stream_t *self)
{
    if (self->in_flight || self->over || (!self->filling.size && !self->ending))
        return;
    cf_buf_t empty = self->flying;
    self->flying = self->filling;
    self->filling = empty;
    h2o_iovec_t bytes = h2o_iovec_init (self->flying.bytes, self->flying.size);
    self->in_flight = true;
    self->over = self->ending;
    self->sent_ms = cf_clock_ms ();
    h2o_send (self->request->http, &bytes, bytes.len? 1: 0, self->ending? H2O_SEND_STATE_FINAL: H2O_SEND_STATE_IN_PROGRESS);
}

static void
s_on_proceed (h2o_generator_t *generator, h2o_req_t *http)
{
    (void) http;
    stream_t *self = (stream_t *) (void *) generator;
    self->in_flight = false;
    cf_buf_free (&self->flying);
    if (self->over)
        s_cut (self);           /* it was cut when all had been written already: only another write shows that */
    else
        s_flush (self);
}

static void
s_end (stream_t *self)
{
    self->ending = true;
    s_unsubscribe (self);
    s_flush (self);
}

static bool
s_is_last (const char *event)
{
    return strcmp (event, "complete") == 0 || strcmp (event, "error") == 0 || strcmp (event, "cancelled") == 0;
}

/*  Appends an event of the ledger. */
static void
s_put (stream_t *self, uint64_t seq, const char *event, const char *shown)
{
    if (cf_frame_put (&self->filling, seq, event, shown)) {
        s_cut (self);
        return;
    }
    if (seq > self->last)
        self->last = seq;
    if (self->wants_tokens) {
        cf_json_t *document = cf_json_parse (shown, strlen (shown), NULL);
        self->progress = (uint32_t) cf_json_int (document, "progress", self->progress);
        json_decref (document);
    }
    if (s_is_last (event))
        s_end (self);
}

/* ---- live ---- */

static void
s_want_history (stream_t *self)
{
    if (self->catching_up || self->ending || self->over)
        return;
    self->catching_up = true;
    self->queued = true;
    DL_APPEND2 (s_queue, self, queue_prev, queue_next);
    s_pump ();
}

/*  Also where the ledger is being asked: its answer may be older than what was lost. */
static void
s_want_history_again (stream_t *self)
{
    self->again = true;
    s_want_history (self);
}

static void
s_on_advanced (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    stream_t *self = arg;
    const cf_job_advanced_t *advanced = fields;
    if (envelope->message != CF_JOB_ADVANCED || self->ending || self->over || advanced->seq <= self->last)
        return;
    if (advanced->seq > self->newest)
        self->newest = advanced->seq;
    if (self->catching_up)
        return;                 /* the answer holds it, or is followed by another question */
    if (advanced->seq != self->last + 1) {
        s_want_history (self);
        return;
    }
    if (self->filling.size && self->filling.size + strlen (advanced->shown) > CF_STREAM_MAX_BYTES) {
        s_cut (self);
        return;
    }
    s_put (self, advanced->seq, advanced->event, advanced->shown);
    s_flush (self);
}

static void
s_on_tokens (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    stream_t *self = arg;
    const cf_model_tokens_t *tokens = fields;
    if (envelope->message != CF_MODEL_TOKENS || self->ending || self->over || self->filling.size > CF_STREAM_MAX_BYTES / 2)
        return;
    cf_buf_t shown;
    cf_buf_init (&shown, CF_STREAM_MAX_BYTES / 4);
    cf_buf_printf (&shown, "{\"job_id\":\"%s\",\"status\":\"running\",\"progress\":%u,\"stage\":", self->job, self->progress);
    cf_buf_put_json (&shown, tokens->stage, strlen (tokens->stage));
    cf_buf_puts (&shown, ",\"text\":");
    cf_buf_put_json (&shown, tokens->text, strlen (tokens->text));
    cf_buf_puts (&shown, tokens->reset? ",\"reset\":true}": "}");
    if (!shown.overflowed)
        cf_frame_put (&self->filling, CF_FRAME_NO_ID, "token", shown.bytes);
    cf_buf_free (&shown);
    s_flush (self);
}

static void
s_on_timer (void *arg)
{
    stream_t *self = arg;
    cf_loop_t *loop = self->request->loop;
    uint64_t silent_ms = cf_clock_ms () - self->sent_ms;
    if (self->in_flight && silent_ms >= CF_STREAM_STALL_MS) {
        s_cut (self);
        return;
    }
    if (self->stale) {
        self->stale = false;
        self->catching_up = false;
        s_want_history (self);
    }
    if (!self->in_flight && silent_ms >= CF_STREAM_SILENCE_MS) {
        cf_frame_put_comment (&self->filling);
        s_flush (self);
        silent_ms = 0;
    }
    cf_timer_set (loop, &self->timer, silent_ms < CF_STREAM_SILENCE_MS? CF_STREAM_SILENCE_MS - silent_ms: CF_STREAM_SILENCE_MS,
                  s_on_timer, self);
}

/* ---- history ---- */

/*  Appends what the ledger gave, as much as a message holds; on the stream's opening whatever number the client named. */
static void
s_take_history (stream_t *self, const cf_job_history_t *history, bool opening)
{
    cf_json_t *events = cf_json_parse (history->events, strlen (history->events), NULL), *event;
    size_t at, count = json_array_size (events);
    json_array_foreach (events, at, event) {
        uint64_t seq = (uint64_t) cf_json_int (event, "seq", 0);
        if (opening && at == 0)
            self->last = 0;
        char *shown = cf_json_print (json_object_get (event, "data"));
        bool last = history->ended && at + 1 == count;
        if (shown && !self->over && (seq > self->last || last || (opening && at == 0)))
            s_put (self, seq, cf_json_str (event, "event", "progress"), shown);
        free (shown);
    }
    json_decref (events);
    if (history->ended && !self->ending && !self->over)
        s_end (self);
}

static cf_job_history_t *
s_ask_ledger (stream_t *self, cf_task_t *task, cf_error_t *error)
{
    return cf_call (task, CF_JOB_WATCH, &(cf_job_watch_t) { .job = self->job, .user = self->user, .after = self->last, .resume = true },
                    CF_REQUEST_CALL_MS, error);
}

/*  The ledger cannot be asked now: later, unless the job is no longer there. */
static void
s_postpone (stream_t *self, cf_error_code_t code)
{
    if (code == CF_ERROR_NOT_FOUND || code == CF_ERROR_FORBIDDEN) {
        self->catching_up = false;
        s_end (self);
        return;
    }
    self->stale = true;
    cf_timer_set (self->request->loop, &self->timer, CF_STREAM_AGAIN_MS, s_on_timer, self);
}

static void
s_catch_up (cf_task_t *task, void *arg)
{
    stream_t *self = arg;
    self->task = task;
    cf_error_t error = { 0 };
    cf_job_history_t *history = NULL;
    /* again while events were published between the ledger's answer and now, so that none is left out */
    do {
        self->again = false;
        cf_codec_free (&history);
        history = self->over? NULL: s_ask_ledger (self, task, &error);
        if (history && !self->over)
            s_take_history (self, history, false);
    } while (history && !self->over && !self->ending && (self->again || self->newest > self->last));
    self->task = NULL;
    self->working = false;
    s_catching--;
    if (!self->request)
        s_free (self);
    else if (!self->over && !history)
        s_postpone (self, error.code);
    else {
        self->catching_up = false;
        s_flush (self);
    }
    cf_codec_free (&history);
    s_pump ();
}

/*  Starts as many of the queued streams as may ask at once. */
static void
s_pump (void)
{
    while (s_queue && s_catching < CF_STREAM_CATCHING_MAX) {
        stream_t *self = s_queue;
        s_leave_queue (self);
        cf_task_context_t context = { .priority = 0 };
        memcpy (context.user, self->user, sizeof context.user);
        memcpy (context.job, self->job, sizeof context.job);
        memcpy (context.request, self->request->id, sizeof context.request);
        memcpy (context.trace, self->request->trace, sizeof context.trace);
        s_catching++;
        self->working = true;
        if (!cf_task_start (self->request->loop, s_catch_up, self, &context)) {
            s_catching--;
            self->working = false;
            s_postpone (self, CF_ERROR_BUSY);
            return;
        }
    }
}

/* ---- opening ---- */

static stream_t *
s_new (const cf_request_t *request, const cf_stream_wish_t *wish)
{
    stream_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    memcpy (self->job, request->job, sizeof self->job);
    memcpy (self->user, request->user, sizeof self->user);
    self->generator.proceed = s_on_proceed;
    self->last = wish->after;
    self->wants_tokens = wish->tokens;
    self->catching_up = true;
    cf_buf_init (&self->filling, CF_STREAM_FRAME_MAX_BYTES);
    cf_buf_init (&self->flying, CF_STREAM_FRAME_MAX_BYTES);
    self->events = s_subscribe (self, "job", s_on_advanced);
    if (!self->events) {
        free (self);
        return NULL;
    }
    return self;
}

/*  Takes stream: it is h2o's from now on. */
static void
s_open_with (stream_t *self, cf_request_t *request, const cf_job_history_t *history)
{
    self->request = request;
    request->owner = self;
    request->on_gone = s_on_gone;
    request->on_hangup = s_on_hangup;
    DL_APPEND (s_streams, self);
    cf_metric_set (CF_METRIC_edge_streams_open, ++s_open);
    self->sent_ms = cf_clock_ms ();
    cf_timer_set (request->loop, &self->timer, CF_STREAM_SILENCE_MS, s_on_timer, self);
    bool head = cf_request_is_head (request);
    cf_reply_stream (request, "text/event-stream");
    cf_request_watch (request);
    h2o_start_response (request->http, &self->generator);
    self->in_flight = true;             /* s_put may not send before all is in the buffer */
    cf_frame_put_retry (&self->filling, CF_STREAM_RETRY_MS);
    if (!head)
        s_take_history (self, history, true);
    self->in_flight = false;
    if (self->over)
        s_cut (self);
    if (head) {
        cf_buf_reset (&self->filling);
        self->ending = true;
    }
    self->catching_up = false;
    if (self->newest > self->last)
        s_want_history (self);
    if (self->wants_tokens && !self->ending)
        self->tokens = s_subscribe (self, "tokens", s_on_tokens);
    s_flush (self);
}

/*  Whether a client that comes back has the event that ended the job. It would come back for ever: only 204 tells an EventSource
    to stay away (WHATWG HTML, section 9.2, server-sent events). */
static bool
s_has_all (const cf_stream_wish_t *wish, const cf_job_history_t *history)
{
    if (!wish->returns || !wish->resume || !history->ended)
        return false;
    cf_json_t *events = cf_json_parse (history->events, strlen (history->events), NULL);
    const cf_json_t *last = json_array_get (events, json_array_size (events) - 1);
    bool has_all = last && (uint64_t) cf_json_int (last, "seq", 0) == wish->after;
    json_decref (events);
    return has_all;
}

void
cf_stream_serve (cf_request_t *request, const cf_stream_wish_t *wish)
{
    stream_t *self = s_new (request, wish);
    if (!self) {
        cf_reply_fault (request, CF_FAULT_BUSY, NULL);
        return;
    }
    const cf_job_watch_t watch = { .job = request->job, .user = request->user, .after = wish->after, .resume = wish->resume };
    cf_job_history_t *history = cf_request_ask (request, CF_JOB_WATCH, &watch);
    bool opens = history && request->http && !s_has_all (wish, history);
    if (opens)
        s_open_with (self, request, history);
    else {
        s_free (self);
        if (history)
            cf_reply_nothing (request);
    }
    cf_codec_free (&history);
}

void
cf_stream_catch_up_all (void)
{
    stream_t *self, *next;
    DL_FOREACH_SAFE (s_streams, self, next)
        s_want_history_again (self);
}

void
cf_stream_end_all (void)
{
    stream_t *self, *next;
    DL_FOREACH_SAFE (s_streams, self, next)
        if (!self->ending && !self->over)
            s_end (self);
}
