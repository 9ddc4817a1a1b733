/* SPDX-License-Identifier: MPL-2.0 */
/*  link - a DEALER in the loop
 *
 *  ZMQ_FD says "something changed", once, and any call on the socket consumes that: so the socket is drained at the
 *  end of every turn, and a turn that sent anything is followed by one that does not wait.
 */

#include "actors/lib/link.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"
#include "proto/codec.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define CF_LINK_HWM 100000              /* messages in each direction; credit keeps it far below */
#define CF_LINK_PER_TURN 512            /* received in one turn, so that descriptors and timers get their time */
#define CF_LINK_JOINERS 8

struct cf_body_t {
    atomic_uint references;             /* ZeroMQ's own thread gives its one back */
    cf_message_id_t id;
    size_t size;
    char *bytes;
};

typedef struct {
    cf_link_fn *fn;
    void *arg;
} listener_t;

struct cf_link_t {
    cf_loop_t *loop;
    void *context, *socket;
    int fd;
    char service [CF_ENVELOPE_NAME_SIZE];
    char name [CF_ENVELOPE_NAME_SIZE];
    uint32_t credit;
    bool ready, leaving;
    uint64_t epoch;
    uint64_t heard_ms;                  /* when the last WELCOME came; 0: never */
    listener_t listeners [CF_KIND_END];
    struct { cf_loop_fn *fn; void *arg; } joiners [CF_LINK_JOINERS];
    size_t joiner_count;
    cf_loop_fn *ready_fn;
    void *ready_arg;
    cf_timer_t beat;
    cf_buf_t frame;                     /* reused for every envelope */
};

static cf_link_t *s_here;

/* ---- bodies ---- */

cf_body_t *
cf_body_new (cf_message_id_t id, const void *fields)
{
    cf_buf_t buf;
    cf_buf_init (&buf, CF_CODEC_MAX_BYTES);
    cf_body_t *self = cf_codec_encode (id, fields, &buf)? NULL: malloc (sizeof *self);
    if (!self) {
        cf_buf_free (&buf);
        return NULL;
    }
    self->id = id;
    self->size = buf.size;
    self->bytes = cf_buf_take (&buf);
    atomic_init (&self->references, 1);
    return self;
}

cf_body_t *
cf_body_ref (cf_body_t *self)
{
    atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
    return self;
}

void
cf_body_unref (cf_body_t **self_p)
{
    cf_body_t *self = *self_p;
    *self_p = NULL;
    if (self && atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) == 1) {
        if (cf_message_is_secret (cf_message_row (self->id)))
            explicit_bzero (self->bytes, self->size);
        free (self->bytes);
        free (self);
    }
}

size_t
cf_body_size (const cf_body_t *self)
{
    return self? self->size: 0;
}

static void
s_release_body (void *bytes, void *hint)
{
    (void) bytes;
    cf_body_t *body = hint;
    cf_body_unref (&body);
}

/* ---- sending ---- */

int
cf_link_send (cf_link_t *self, const cf_envelope_t *envelope, cf_body_t *body)
{
    cf_envelope_t stamped = *envelope;
    stamped.sent_us = cf_clock_us ();
    stamped.message = body? body->id: envelope->message;
    cf_buf_reset (&self->frame);
    if (cf_envelope_encode (&stamped, &self->frame))
        return -1;
    cf_loop_kick (self->loop);
    if (zmq_send (self->socket, self->frame.bytes, self->frame.size, ZMQ_DONTWAIT | (body? ZMQ_SNDMORE: 0)) < 0)
        return -1;
    if (body) {
        zmq_msg_t message;
        if (zmq_msg_init_data (&message, body->bytes, body->size, s_release_body, cf_body_ref (body)))
            abort ();           /* out of memory between two frames */
        if (zmq_msg_send (&message, self->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close (&message);
            return -1;
        }
    }
    return 0;
}

static void
s_send_kind (cf_link_t *self, cf_kind_t kind, const char *to, uint64_t number)
{
    cf_envelope_t envelope = { .kind = kind, .number = number };
    snprintf (envelope.to, sizeof envelope.to, "%s", to);
    cf_link_send (self, &envelope, NULL);
}

int
cf_link_gone (cf_link_t *self, const char *peer)
{
    cf_envelope_t envelope = { .kind = CF_KIND_GONE };
    snprintf (envelope.to, sizeof envelope.to, "%s", peer);
    return cf_link_send (self, &envelope, NULL);
}

static void
s_on_beat (void *arg)
{
    cf_link_t *self = arg;
    cf_json_t *metrics = cf_metric_json ();
    char *text = metrics? cf_json_print (metrics): NULL;
    cf_body_t *body = cf_body_new (CF_METRICS, &(cf_metrics_t) { .metrics = text? text: "{}" });
    cf_envelope_t envelope = { .kind = CF_KIND_BEAT, .number = cf_loop_turns (self->loop) };
    cf_link_send (self, &envelope, body);
    cf_body_unref (&body);
    free (text);
    json_decref (metrics);
    cf_timer_set (self->loop, &self->beat, CF_ENVELOPE_BEAT_MS, s_on_beat, self);
}

/* ---- membership ---- */

static void
s_say_ready (cf_link_t *self)
{
    if (!self->ready || self->leaving || !self->heard_ms)
        return;
    s_send_kind (self, CF_KIND_READY, "", 0);
    cf_loop_fn *fn = self->ready_fn;
    self->ready_fn = NULL;
    if (fn)
        fn (self->ready_arg);
}

static void
s_on_welcome (cf_link_t *self, const cf_envelope_t *envelope)
{
    self->epoch = envelope->number;
    self->heard_ms = cf_clock_ms ();
    s_send_kind (self, CF_KIND_HELLO, self->service, self->credit);
    for (size_t at = 0; at < self->joiner_count; at++)
        self->joiners [at].fn (self->joiners [at].arg);
    if (self->leaving)
        s_send_kind (self, CF_KIND_BYE, "", 0);
    s_say_ready (self);
}

void
cf_link_ready (cf_link_t *self, cf_loop_fn *fn, void *arg)
{
    self->ready = true;
    self->ready_fn = fn;
    self->ready_arg = arg;
    s_say_ready (self);
}

void
cf_link_bye (cf_link_t *self)
{
    self->leaving = true;
    s_send_kind (self, CF_KIND_BYE, "", 0);
}

/* ---- receiving ---- */

static void
s_dispatch (cf_link_t *self, zmq_msg_t *head, zmq_msg_t *body, bool has_body)
{
    cf_envelope_t envelope;
    cf_error_t error;
    if (cf_envelope_decode (&envelope, zmq_msg_data (head), zmq_msg_size (head), &error)) {
        cf_metric_add (CF_METRIC_link_malformed_total, 1);
        cf_log_warning ("from the broker: %s", error.text);
        return;
    }
    if (envelope.kind == CF_KIND_WELCOME) {
        s_on_welcome (self, &envelope);
        return;
    }
    listener_t *listener = &self->listeners [envelope.kind];
    if (listener->fn)
        listener->fn (listener->arg, &envelope, has_body? zmq_msg_data (body): NULL, has_body? zmq_msg_size (body): 0);
}

/*  Takes one message of one or two frames; more frames are read and thrown away. False when there is none. */
static bool
s_receive (cf_link_t *self)
{
    zmq_msg_t head, body;
    zmq_msg_init (&head);
    zmq_msg_init (&body);
    bool got = zmq_msg_recv (&head, self->socket, ZMQ_DONTWAIT) >= 0;
    if (got) {
        int frames = 1;
        bool more = zmq_msg_more (&head);
        for (; more; frames++) {
            zmq_msg_t extra;
            zmq_msg_init (&extra);
            zmq_msg_recv (frames == 1? &body: &extra, self->socket, ZMQ_DONTWAIT);
            more = zmq_msg_more (frames == 1? &body: &extra);
            zmq_msg_close (&extra);
        }
        if (frames <= 2)
            s_dispatch (self, &head, &body, frames == 2);
        else
            cf_metric_add (CF_METRIC_link_malformed_total, 1);
    }
    zmq_msg_close (&head);
    zmq_msg_close (&body);
    return got;
}

static void
s_drain (void *arg)
{
    cf_link_t *self = arg;
    for (int count = 0; count < CF_LINK_PER_TURN; count++)
        if (!s_receive (self))
            return;
    cf_loop_kick (self->loop);
}

static void
s_on_readable (void *arg, uint32_t events)
{
    (void) arg;                 /* the hook at the end of the turn drains */
    (void) events;
}

/* ---- life ---- */

static void
s_set_option (cf_link_t *self, int option, int value)
{
    zmq_setsockopt (self->socket, option, &value, sizeof value);
}

static int
s_connect (cf_link_t *self, cf_error_t *error)
{
    self->context = zmq_ctx_new ();
    self->socket = self->context? zmq_socket (self->context, ZMQ_DEALER): NULL;
    if (!self->socket)
        return cf_error_set (error, CF_ERROR_INTERNAL, "no ZeroMQ socket: %s", zmq_strerror (errno));
    zmq_setsockopt (self->socket, ZMQ_ROUTING_ID, self->name, strlen (self->name));
    s_set_option (self, ZMQ_PROBE_ROUTER, 1);           /* a new broker learns of us without being asked */
    s_set_option (self, ZMQ_IMMEDIATE, 1);              /* no broker: sends fail at once instead of queueing */
    s_set_option (self, ZMQ_LINGER, 200);
    s_set_option (self, ZMQ_SNDHWM, CF_LINK_HWM);
    s_set_option (self, ZMQ_RCVHWM, CF_LINK_HWM);
    s_set_option (self, ZMQ_RECONNECT_IVL, 10);
    s_set_option (self, ZMQ_RECONNECT_IVL_MAX, 100);
    char endpoint [512];
    snprintf (endpoint, sizeof endpoint, "ipc://%s", cf_config_home ("run/broker.sock"));
    if (zmq_connect (self->socket, endpoint))
        return cf_error_set (error, CF_ERROR_INTERNAL, "cannot connect to %s: %s", endpoint, zmq_strerror (errno));
    size_t size = sizeof self->fd;
    zmq_getsockopt (self->socket, ZMQ_FD, &self->fd, &size);
    if (cf_loop_watch (self->loop, self->fd, EPOLLIN, s_on_readable, self) || cf_loop_add_hook (self->loop, s_drain, self))
        return cf_error_set (error, CF_ERROR_INTERNAL, "the loop takes no more: %s", strerror (errno));
    cf_loop_kick (self->loop);
    return 0;
}

cf_link_t *
cf_link_new (cf_loop_t *loop, const char *service, unsigned instance, uint32_t credit, cf_error_t *error)
{
    cf_link_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    self->loop = loop;
    self->credit = credit;
    self->fd = -1;
    snprintf (self->service, sizeof self->service, "%s", service);
    snprintf (self->name, sizeof self->name, "%s.%u.%d", service, instance, (int) getpid ());
    cf_buf_init (&self->frame, CF_ENVELOPE_MAX_BYTES);
    if (s_connect (self, error)) {
        cf_link_destroy (&self);
        return NULL;
    }
    cf_timer_set (loop, &self->beat, CF_ENVELOPE_BEAT_MS, s_on_beat, self);
    s_here = self;
    return self;
}

void
cf_link_destroy (cf_link_t **self_p)
{
    cf_link_t *self = *self_p;
    if (!self)
        return;
    cf_loop_unwatch (self->loop, self->fd);
    cf_loop_remove_hook (self->loop, s_drain, self);
    cf_timer_clear (self->loop, &self->beat);
    if (self->socket)
        zmq_close (self->socket);
    if (self->context)
        zmq_ctx_term (self->context);
    cf_buf_free (&self->frame);
    if (s_here == self)
        s_here = NULL;
    free (self);
    *self_p = NULL;
}

cf_link_t *
cf_link_here (void)
{
    return s_here;
}

cf_loop_t *
cf_link_loop (cf_link_t *self)
{
    return self->loop;
}

const char *
cf_link_name (const cf_link_t *self)
{
    return self->name;
}

bool
cf_link_joined (const cf_link_t *self)
{
    return self->heard_ms != 0;
}

uint64_t
cf_link_epoch (const cf_link_t *self)
{
    return self->epoch;
}

void
cf_link_listen (cf_link_t *self, cf_kind_t kind, cf_link_fn *fn, void *arg)
{
    self->listeners [kind] = (listener_t) { fn, arg };
}

void
cf_link_on_joined (cf_link_t *self, cf_loop_fn *fn, void *arg)
{
    for (size_t at = 0; at < self->joiner_count; at++)
        if (self->joiners [at].fn == fn && self->joiners [at].arg == arg)
            return;
    if (self->joiner_count == CF_LINK_JOINERS)
        abort ();
    self->joiners [self->joiner_count].fn = fn;
    self->joiners [self->joiner_count++].arg = arg;
}

void
cf_link_off_joined (cf_link_t *self, cf_loop_fn *fn, void *arg)
{
    for (size_t at = 0; at < self->joiner_count; at++)
        if (self->joiners [at].fn == fn && self->joiners [at].arg == arg) {
            memmove (&self->joiners [at], &self->joiners [at + 1], (--self->joiner_count - at) * sizeof self->joiners [0]);
            return;
        }
}
