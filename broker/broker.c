/* SPDX-License-Identifier: MPL-2.0 */
/*  broker - one thread, one loop: take what is there, act on it, fire what is due, bury who died */

#include "broker/broker.h"
#include "broker/calls.h"
#include "broker/events.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"
#include "proto/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CF_BROKER_MAX_TURN 1000         /* messages between two looks at timers and signals */
#define CF_BROKER_WELCOME_MS 1000       /* between two WELCOMEs to a peer that talks without HELLO */
#define CF_BROKER_COMPLAINT_MS 1000     /* between two log lines about malformed messages */

/*  Id of the body of a BEAT (METRICS: one string, JSON text). The broker includes no message table, but this one body
    belongs to the envelope's layer: it passes the peers' on as events and writes its own. */
#define CF_ENVELOPE_METRICS 1
#define CF_BROKER_METRICS_MAX_BYTES 16384

struct cf_broker {
    void *context;
    uint64_t epoch;
    uint32_t beat_ms;
    uint32_t metrics_ms;
    cf_timers_t timers;
    cf_timer_t metrics;
    cf_capture_t *capture;
    cf_registry_t *registry;
    cf_port_t *port;
    cf_calls_t *calls;
    cf_events_t *events;
    uint64_t complained_ms;             /* when last */
    uint64_t complaints;                /* since then */
};

/*  What was received, and from whom. */
typedef struct {
    cf_broker_t *broker;
    cf_peer_t *peer;
    cf_envelope_t *envelope;
    zmq_msg_t *body;                    /* NULL: none; handlers may take it */
} received_t;

static void
s_complain (cf_broker_t *self, const char *from, const char *reason)
{
    cf_metric_add (CF_METRIC_broker_malformed_total, 1);
    self->complaints++;
    if (self->complained_ms && self->timers.now_ms - self->complained_ms < CF_BROKER_COMPLAINT_MS)
        return;
    cf_log_warning ("%llu malformed messages, the last from %s: %s", (unsigned long long) self->complaints,
                    *from? from: "a peer without a proper name", reason);
    self->complained_ms = self->timers.now_ms;
    self->complaints = 0;
}

/*  The sender learns of it where it waits for an answer. */
static void
s_malformed (const received_t *self, const char *reason)
{
    s_complain (self->broker, self->peer->name, reason);
    if (self->envelope->kind == CF_KIND_CALL && self->envelope->call)
        cf_calls_refuse (self->broker->calls, self->peer, self->envelope, CF_ERROR_BAD_MESSAGE);
}

static void
s_welcome (cf_broker_t *self, cf_peer_t *peer)
{
    cf_envelope_t envelope = { .kind = CF_KIND_WELCOME, .number = self->epoch };
    peer->welcomed_ms = self->timers.now_ms;
    cf_port_say (self->port, peer, &envelope);
}

/*  Says on state.peer.<peer> what became of it. */
static void
s_announce (cf_broker_t *self, const cf_peer_t *peer, uint64_t number)
{
    char topic [CF_ENVELOPE_NAME_SIZE];
    snprintf (topic, sizeof topic, "state.peer.%s", peer->name);
    cf_events_announce (self->events, topic, number, number != 0);
    if (!number)
        cf_events_forget (self->events, topic);
}

static void
s_absent (cf_broker_t *self, const char *name)
{
    cf_service_t *service = cf_registry_service (self->registry, name);
    if (service)
        cf_calls_absent (self->calls, service);
}

/*  Ends everything that hangs on a dead peer. */
static void
s_bury (cf_broker_t *self, cf_peer_t *peer)
{
    char service [CF_PEER_NAME_SIZE] = "";
    if (peer->service)
        memcpy (service, peer->service->name, sizeof service);
    cf_calls_peer_gone (self->calls, peer);
    cf_events_forget_peer (self->events, peer);
    cf_port_forget (self->port, peer);
    cf_registry_bury (self->registry, peer);
    if (*service) {
        cf_log_info ("%s is gone", peer->name);
        s_absent (self, service);
        s_announce (self, peer, 0);
    }
    cf_registry_release (self->registry, peer);
}

/*  A connection is new: WELCOME, and no trust in what went over the former one. */
static void
s_on_probe (cf_broker_t *self, cf_peer_t *peer, const char *name)
{
    if (peer->doomed) {
        s_bury (self, peer);
        peer = cf_registry_meet (self->registry, name);
        if (!peer)
            return;
    }
    cf_calls_reconnected (self->calls, peer);
    cf_events_forget_peer (self->events, peer);
    s_welcome (self, peer);
}

/*  One function for each kind */

static void
s_on_hello (const received_t *self)
{
    char former [CF_PEER_NAME_SIZE] = "";
    cf_peer_t *peer = self->peer;
    if (!cf_registry_is_service_name (self->envelope->to)) {
        s_malformed (self, "HELLO for what cannot be a service");
        return;
    }
    if (peer->service)
        memcpy (former, peer->service->name, sizeof former);
    if (cf_registry_join (self->broker->registry, peer, self->envelope->to, self->envelope->number))
        cf_log_error ("%s cannot join: out of memory", peer->name);
    else if (*former)
        s_absent (self->broker, former);
}

static void
s_on_ready (const received_t *self)
{
    if (self->peer->state != CF_PEER_JOINED)
        return;
    cf_registry_ready (self->broker->registry, self->peer);
    cf_log_info ("%s is ready", self->peer->name);
    s_announce (self->broker, self->peer, 1);
    cf_calls_serve (self->broker->calls, self->peer);
}

static void
s_on_bye (const received_t *self)
{
    cf_registry_leave (self->broker->registry, self->peer);
    cf_calls_absent (self->broker->calls, self->peer->service);
    s_announce (self->broker, self->peer, 2);
}

static void
s_on_beat (const received_t *self)
{
    cf_envelope_t event = *self->envelope;
    event.kind = CF_KIND_EVENT;
    snprintf (event.to, sizeof event.to, "state.metrics.%s", self->peer->name);
    if (self->body && event.message == CF_ENVELOPE_METRICS && cf_events_is_heard (self->broker->events, event.to))
        cf_events_publish (self->broker->events, &event, self->body, false);
}

static void
s_on_call (const received_t *self)
{
    const char *to = self->envelope->to;
    if (!self->envelope->call)
        s_malformed (self, "CALL without a number");
    else if (!cf_registry_is_peer_name (to, strlen (to)) && strcmp (to, "broker") && !cf_registry_is_service_name (to))
        s_malformed (self, "CALL to what cannot be a service or a peer");
    else
        cf_calls_request (self->broker->calls, self->peer, self->envelope, self->body);
}

static void
s_on_answer (const received_t *self)
{
    cf_calls_answer (self->broker->calls, self->peer, self->envelope, self->body);
}

static void
s_on_cancel (const received_t *self)
{
    cf_calls_cancel (self->broker->calls, self->peer, self->envelope);
}

static bool
s_starts (const char *text, const char *start)
{
    return strncmp (text, start, strlen (start)) == 0;
}

static void
s_on_event (const received_t *self)
{
    const char *topic = self->envelope->to;
    if (!cf_registry_is_topic (topic, false) || s_starts (topic, "wanted.") || s_starts (topic, "state.peer.")
        || s_starts (topic, "state.metrics."))
        s_malformed (self, "EVENT on what is no topic of a peer's");
    else
        cf_events_publish (self->broker->events, self->envelope, self->body, s_starts (topic, "state."));
}

static void
s_on_subscribe (const received_t *self)
{
    const char *topic = self->envelope->to;
    if (!cf_registry_is_topic (topic, true) || self->envelope->number > 1)
        s_malformed (self, "SUBSCRIBE to what is no topic");
    else if (!self->envelope->number)
        cf_events_unsubscribe (self->broker->events, self->peer, topic);
    else if (cf_events_subscribe (self->broker->events, self->peer, topic)) {
        cf_metric_add (CF_METRIC_broker_dropped_total, 1);
        s_complain (self->broker, self->peer->name, "one subscription too many");
    }
}

static void
s_on_gone (const received_t *self)
{
    if (!s_starts (self->peer->name, "supervisor.")) {
        s_malformed (self, "GONE from a peer that is no supervisor");
        return;
    }
    cf_peer_t *peer = cf_registry_lookup (self->broker->registry, self->envelope->to);
    if (peer)
        cf_registry_doom (self->broker->registry, peer);
}

typedef struct {
    void (*handle) (const received_t *self);
    bool from_strangers;                /* also before HELLO */
} handler_t;

/*  A kind that is not here is never said to the broker. */
static const handler_t s_handlers [CF_KIND_END] = {
    [CF_KIND_HELLO]     = { s_on_hello, true },
    [CF_KIND_READY]     = { s_on_ready, false },
    [CF_KIND_BYE]       = { s_on_bye, false },
    [CF_KIND_BEAT]      = { s_on_beat, false },
    [CF_KIND_CALL]      = { s_on_call, false },
    [CF_KIND_REPLY]     = { s_on_answer, true },        /* the result of long work: a restart of ours must not lose it */
    [CF_KIND_FAILED]    = { s_on_answer, true },
    [CF_KIND_CANCEL]    = { s_on_cancel, false },
    [CF_KIND_EVENT]     = { s_on_event, false },
    [CF_KIND_SUBSCRIBE] = { s_on_subscribe, false },
    [CF_KIND_GONE]      = { s_on_gone, false },
};

static void
s_act (received_t *self)
{
    cf_broker_t *broker = self->broker;
    const handler_t *handler = &s_handlers [self->envelope->kind];
    if (!handler->handle) {
        s_malformed (self, "a kind that is the broker's to say");
        return;
    }
    memcpy (self->envelope->from, self->peer->name, self->peer->name_size + 1);
    self->envelope->routed_us = broker->timers.now_us;
    cf_port_show (broker->port, self->envelope, self->body);
    bool stranger = self->peer->state == CF_PEER_STRANGER;
    if (!stranger || handler->from_strangers)
        handler->handle (self);
    if (stranger && self->envelope->kind != CF_KIND_HELLO
        && (!self->peer->welcomed_ms || broker->timers.now_ms - self->peer->welcomed_ms >= CF_BROKER_WELCOME_MS))
        s_welcome (broker, self->peer);
}

static void
s_on_mail (cf_broker_t *self, cf_port_mail_t *mail)
{
    cf_metric_add (CF_METRIC_broker_messages_total, 1);
    if (!*mail->from) {
        s_complain (self, "", "its routing id is no name");
        return;
    }
    cf_peer_t *peer = cf_registry_meet (self->registry, mail->from);
    if (!peer) {
        cf_metric_add (CF_METRIC_broker_dropped_total, 1);
        return;
    }
    peer->heard_ms = self->timers.now_ms;
    size_t size = zmq_msg_size (&mail->envelope);
    if (!size && !mail->has_body) {
        s_on_probe (self, peer, mail->from);
        return;
    }
    cf_envelope_t envelope;
    cf_error_t error;
    received_t received = { self, peer, &envelope, mail->has_body? &mail->body: NULL };
    if (cf_envelope_decode (&envelope, zmq_msg_data (&mail->envelope), size, &error))
        s_malformed (&received, error.text);
    else if (mail->overlong)
        s_malformed (&received, "more than two frames");
    else if (mail->has_body != (envelope.message != 0))
        s_malformed (&received, mail->has_body? "a body that no id belongs to": "its body is missing");
    else
        s_act (&received);
}

static void
s_on_metrics (void *context, cf_timer_t *timer)
{
    cf_broker_t *self = context;
    cf_envelope_t envelope = { .kind = CF_KIND_EVENT, .message = CF_ENVELOPE_METRICS, .from = "broker",
                               .to = "state.metrics.broker" };
    cf_timers_arm (&self->timers, timer, self->timers.now_ms + self->metrics_ms);
    if (!cf_events_is_heard (self->events, envelope.to))
        return;
    cf_buf_t text, bytes;
    cf_buf_init (&text, CF_BROKER_METRICS_MAX_BYTES);
    cf_buf_init (&bytes, CF_BROKER_METRICS_MAX_BYTES);
    cf_json_t *json = cf_metric_json ();
    zmq_msg_t body;
    if (cf_json_print_to (json, &text) == 0) {
        cf_wire_put_array (&bytes, 1);
        cf_wire_put_str (&bytes, text.bytes, text.size);
    }
    if (bytes.size && !bytes.overflowed && zmq_msg_init_size (&body, bytes.size) == 0) {
        memcpy (zmq_msg_data (&body), bytes.bytes, bytes.size);
        envelope.sent_us = envelope.routed_us = self->timers.now_us;
        cf_port_show (self->port, &envelope, &body);
        cf_events_publish (self->events, &envelope, &body, false);
        zmq_msg_close (&body);
    }
    json_decref (json);
    cf_buf_free (&text);
    cf_buf_free (&bytes);
}

static void
s_on_room (void *context, cf_peer_t *peer)
{
    cf_broker_t *self = context;
    cf_calls_serve (self->calls, peer);
}

cf_broker_t *
cf_broker_new (const cf_broker_options_t *options, cf_error_t *error)
{
    cf_broker_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    error->code = CF_OK;
    cf_uuid_random (&self->epoch, sizeof self->epoch);
    self->beat_ms = options->beat_ms;
    self->metrics_ms = options->metrics_ms;
    self->metrics = (cf_timer_t) { .fire = s_on_metrics, .context = self };
    cf_timers_tick (&self->timers);
    self->context = zmq_ctx_new ();
    self->registry = cf_registry_new (&self->timers, options->beat_ms);
    if (self->context && self->registry)
        self->capture = cf_capture_new (self->context, options->capture_endpoint, options->capture_without_body, error);
    if (self->capture)
        self->port = cf_port_new (self->context, options->endpoint, options->hwm, self->registry, &self->timers,
                                  self->capture, error);
    if (self->port) {
        self->calls = cf_calls_new (self->registry, self->port, &self->timers, options->queue_max, options->grace_ms);
        self->events = cf_events_new (self->port);
        cf_port_on_room (self->port, s_on_room, self);
    }
    if (!self->calls || !self->events
        || cf_timers_arm (&self->timers, &self->metrics, self->timers.now_ms + self->metrics_ms)) {
        if (!error->code)
            cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        cf_broker_destroy (&self);
    }
    return self;
}

void
cf_broker_destroy (cf_broker_t **self_p)
{
    cf_broker_t *self = *self_p;
    if (!self)
        return;
    cf_events_destroy (&self->events);
    cf_calls_destroy (&self->calls);
    cf_port_destroy (&self->port);
    cf_registry_destroy (&self->registry);
    cf_capture_destroy (&self->capture);
    cf_timers_free (&self->timers);
    if (self->context)
        zmq_ctx_term (self->context);
    free (self);
    *self_p = NULL;
}

static void
s_turn (cf_broker_t *self)
{
    cf_port_mail_t mail;
    for (int count = 0; count < CF_BROKER_MAX_TURN && cf_port_receive (self->port, &mail) == 0; count++) {
        cf_timers_tick (&self->timers);
        s_on_mail (self, &mail);
        cf_port_close (&mail);
    }
    cf_timers_fire (&self->timers);
    cf_peer_t *peer;
    while ((peer = cf_registry_doomed (self->registry)))
        s_bury (self, peer);
}

int
cf_broker_run (cf_broker_t *self, int stop_fd)
{
    zmq_pollitem_t items [] = {
        { cf_port_socket (self->port), 0, ZMQ_POLLIN, 0 },
        { cf_capture_socket (self->capture), 0, ZMQ_POLLIN, 0 },
        { NULL, stop_fd, ZMQ_POLLIN, 0 },
    };
    for (;;) {
        uint64_t before_ms = self->timers.now_ms;
        cf_timers_tick (&self->timers);
        int wait_ms = cf_timers_wait_ms (&self->timers);
        if (wait_ms < 0 || (uint32_t) wait_ms > self->beat_ms)
            wait_ms = (int) self->beat_ms;
        if (zmq_poll (items, 3, wait_ms) < 0 && errno != EINTR)
            return -1;
        cf_timers_tick (&self->timers);
        /* this process itself was stopped for a while: the others were not silent, it was deaf */
        if (self->timers.now_ms - before_ms > (uint64_t) wait_ms + self->beat_ms)
            cf_registry_forgive (self->registry);
        if (items [2].revents)
            return 0;
        if (items [1].revents & ZMQ_POLLIN)
            cf_capture_watch (self->capture);
        s_turn (self);
    }
}
