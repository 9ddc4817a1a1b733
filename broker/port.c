/* SPDX-License-Identifier: MPL-2.0 */
/*  port - libzmq itself rather than CZMQ, whose zmsg allocates for each frame
 *
 *  ROUTER_MANDATORY makes a send say at once that its peer is gone (EHOSTUNREACH) or full (EAGAIN); ROUTER_HANDOVER lets
 *  a process that lost its connection come back under its name. On each new connection a peer's DEALER sends an
 *  empty frame by itself, which is how the broker knows that it is there: ZMQ_PROBE_ROUTER does that, and only
 *  together with ZMQ_IMMEDIATE on every reconnection, too.
 */

#include "broker/port.h"
#include "proto/base/metric.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define CF_PORT_BACKLOG 4096            /* all peers come back at once after a restart */
#define CF_PORT_COPY_MAX_BYTES 8192     /* smaller bodies that stay are copied */

struct cf_letter {
    zmq_msg_t frame, body;
    bool has_body;
    size_t bytes;
    cf_letter_t *prev, *next;
};

struct cf_port {
    void *socket;
    cf_registry_t *registry;            /* borrowed, as the next two */
    cf_timers_t *timers;
    cf_capture_t *capture;
    cf_buf_t scratch;                   /* the envelope that is being encoded */
    cf_peer_t *full;                    /* list */
    cf_timer_t retry;                   /* armed while that list is not empty */
    size_t pending_bytes;
    void (*on_room) (void *context, cf_peer_t *peer);
    void *context;
};

static void s_on_retry (void *context, cf_timer_t *timer);

static int
s_set (void *socket, int option, int value)
{
    return zmq_setsockopt (socket, option, &value, sizeof value);
}

static int
s_open (cf_port_t *self, void *context, const char *endpoint, int hwm)
{
    int64_t max = CF_PORT_MAX_BODY_BYTES;
    self->socket = zmq_socket (context, ZMQ_ROUTER);
    return !self->socket
        || s_set (self->socket, ZMQ_ROUTER_MANDATORY, 1) || s_set (self->socket, ZMQ_ROUTER_HANDOVER, 1)
        || s_set (self->socket, ZMQ_SNDHWM, hwm) || s_set (self->socket, ZMQ_RCVHWM, hwm)
        || s_set (self->socket, ZMQ_BACKLOG, CF_PORT_BACKLOG) || s_set (self->socket, ZMQ_LINGER, 0)
        || zmq_setsockopt (self->socket, ZMQ_MAXMSGSIZE, &max, sizeof max)
        || zmq_bind (self->socket, endpoint);
}

cf_port_t *
cf_port_new (void *context, const char *endpoint, int hwm, cf_registry_t *registry, cf_timers_t *timers,
             cf_capture_t *capture, cf_error_t *error)
{
    cf_port_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    self->registry = registry;
    self->timers = timers;
    self->capture = capture;
    self->retry = (cf_timer_t) { .fire = s_on_retry, .context = self };
    cf_buf_init (&self->scratch, CF_ENVELOPE_MAX_BYTES);
    if (s_open (self, context, endpoint, hwm)) {
        cf_error_set (error, CF_ERROR_INTERNAL, "cannot bind %s: %s", endpoint, zmq_strerror (errno));
        cf_port_destroy (&self);
    }
    return self;
}

void
cf_port_destroy (cf_port_t **self_p)
{
    cf_port_t *self = *self_p;
    if (!self)
        return;
    while (self->full)
        cf_port_forget (self, self->full);
    cf_timers_disarm (self->timers, &self->retry);
    if (self->socket)
        zmq_close (self->socket);
    cf_buf_free (&self->scratch);
    free (self);
    *self_p = NULL;
}

void *
cf_port_socket (cf_port_t *self)
{
    return self->socket;
}

void
cf_port_on_room (cf_port_t *self, void (*on_room) (void *context, cf_peer_t *peer), void *context)
{
    self->on_room = on_room;
    self->context = context;
}

static int
s_take (void *socket, zmq_msg_t *frame, int flags)
{
    int size;
    do
        size = zmq_msg_recv (frame, socket, flags);
    while (size < 0 && errno == EINTR);
    return size < 0? -1: 0;
}

int
cf_port_receive (cf_port_t *self, cf_port_mail_t *mail)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    if (s_take (self->socket, &frame, ZMQ_DONTWAIT)) {
        zmq_msg_close (&frame);
        return -1;
    }
    zmq_msg_init (&mail->envelope);
    zmq_msg_init (&mail->body);
    size_t size = zmq_msg_size (&frame);
    bool named = cf_registry_is_peer_name (zmq_msg_data (&frame), size);
    if (named)
        memcpy (mail->from, zmq_msg_data (&frame), size);
    mail->from [named? size: 0] = 0;
    /* all frames of a message are there once its first one is */
    int frames = 0;
    for (bool more = zmq_msg_more (&frame); more; frames++) {
        zmq_msg_t *into = frames == 0? &mail->envelope: frames == 1? &mail->body: &frame;
        if (s_take (self->socket, into, 0))
            break;
        more = zmq_msg_more (into);
    }
    mail->has_body = frames > 1;
    mail->overlong = frames > 2;
    zmq_msg_close (&frame);
    return 0;
}

void
cf_port_close (cf_port_mail_t *mail)
{
    zmq_msg_close (&mail->envelope);
    zmq_msg_close (&mail->body);
}

static int
s_put (void *socket, zmq_msg_t *frame, int flags)
{
    int size;
    do
        size = zmq_msg_send (frame, socket, flags);
    while (size < 0 && errno == EINTR);
    return size < 0? -1: 0;
}

/*  Takes both frames if it returns CF_PORT_SENT. Only the routing id is refused: what follows it fits. */
static cf_port_result_t
s_send (cf_port_t *self, cf_peer_t *peer, zmq_msg_t *frame, zmq_msg_t *body)
{
    if (peer->doomed)
        return CF_PORT_GONE;
    int size;
    do
        size = zmq_send (self->socket, peer->name, peer->name_size, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    while (size < 0 && errno == EINTR);
    if (size < 0 && errno == EAGAIN)
        return CF_PORT_FULL;
    if (size < 0) {
        cf_registry_doom (self->registry, peer);
        return CF_PORT_GONE;
    }
    if (s_put (self->socket, frame, body? ZMQ_SNDMORE: 0) == 0 && body)
        s_put (self->socket, body, 0);
    return CF_PORT_SENT;
}

int
cf_port_frame (cf_port_t *self, const cf_envelope_t *envelope, zmq_msg_t *frame)
{
    cf_buf_reset (&self->scratch);
    if (cf_envelope_encode (envelope, &self->scratch) || zmq_msg_init_size (frame, self->scratch.size)) {
        zmq_msg_init (frame);
        return -1;
    }
    memcpy (zmq_msg_data (frame), self->scratch.bytes, self->scratch.size);
    return 0;
}

static void
s_mark_full (cf_port_t *self, cf_peer_t *peer)
{
    if (peer->full)
        return;
    if (!self->full && cf_timers_arm (self->timers, &self->retry, self->timers->now_ms + CF_PORT_RETRY_MS))
        return;
    peer->full = true;
    DL_APPEND2 (self->full, peer, full_prev, full_next);
}

static void
s_clear_full (cf_port_t *self, cf_peer_t *peer)
{
    DL_DELETE2 (self->full, peer, full_prev, full_next);
    peer->full = false;
}

cf_port_result_t
cf_port_offer (cf_port_t *self, cf_peer_t *peer, const cf_envelope_t *envelope, zmq_msg_t *body)
{
    zmq_msg_t frame;
    if (peer->full || cf_port_frame (self, envelope, &frame))
        return CF_PORT_FULL;
    cf_port_result_t result = s_send (self, peer, &frame, body);
    if (result == CF_PORT_FULL)
        s_mark_full (self, peer);
    zmq_msg_close (&frame);
    return result;
}

static void
s_letter_destroy (cf_port_t *self, cf_peer_t *peer, cf_letter_t *letter)
{
    DL_DELETE (peer->pending, letter);
    peer->pending_count--;
    self->pending_bytes -= letter->bytes;
    zmq_msg_close (&letter->frame);
    zmq_msg_close (&letter->body);
    free (letter);
}

/*  Takes both frames. 0, or -1 where a bound, or memory, does not allow it. */
static int
s_pend (cf_port_t *self, cf_peer_t *peer, zmq_msg_t *frame, zmq_msg_t *body)
{
    size_t bytes = zmq_msg_size (frame) + (body? zmq_msg_size (body): 0);
    s_mark_full (self, peer);
    if (!peer->full || peer->pending_count >= CF_PORT_MAX_PENDING || self->pending_bytes + bytes > CF_PORT_MAX_PENDING_BYTES)
        return -1;
    cf_letter_t *letter = calloc (1, sizeof *letter);
    if (!letter)
        return -1;
    letter->bytes = bytes;
    letter->has_body = body != NULL;
    zmq_msg_init (&letter->frame);
    zmq_msg_init (&letter->body);
    zmq_msg_move (&letter->frame, frame);
    if (body)
        zmq_msg_move (&letter->body, body);
    DL_APPEND (peer->pending, letter);
    peer->pending_count++;
    self->pending_bytes += bytes;
    return 0;
}

void
cf_port_post (cf_port_t *self, cf_peer_t *peer, const cf_envelope_t *envelope, zmq_msg_t *body)
{
    zmq_msg_t frame;
    int status = cf_port_frame (self, envelope, &frame);
    if (status == 0) {
        cf_port_result_t result = peer->full? CF_PORT_FULL: s_send (self, peer, &frame, body);
        if (result == CF_PORT_FULL)
            status = s_pend (self, peer, &frame, body);
        else if (result == CF_PORT_GONE)
            status = -1;
    }
    if (status)
        cf_metric_add (CF_METRIC_broker_dropped_total, 1);
    zmq_msg_close (&frame);
}

void
cf_port_say (cf_port_t *self, cf_peer_t *peer, cf_envelope_t *envelope)
{
    strcpy (envelope->from, "broker");
    memcpy (envelope->to, peer->name, peer->name_size + 1);
    envelope->sent_us = envelope->routed_us = self->timers->now_us;
    cf_port_show (self, envelope, NULL);
    cf_port_post (self, peer, envelope, NULL);
}

void
cf_port_cast (cf_port_t *self, cf_peer_t *peer, zmq_msg_t *frame, zmq_msg_t *body)
{
    zmq_msg_t frame_copy, body_copy;
    zmq_msg_init (&frame_copy);
    zmq_msg_init (&body_copy);
    if (zmq_msg_copy (&frame_copy, frame) || (body && zmq_msg_copy (&body_copy, body))
        || s_send (self, peer, &frame_copy, body? &body_copy: NULL) != CF_PORT_SENT)
        cf_metric_add (CF_METRIC_broker_dropped_total, 1);
    zmq_msg_close (&frame_copy);
    zmq_msg_close (&body_copy);
}

void
cf_port_show (cf_port_t *self, const cf_envelope_t *envelope, zmq_msg_t *body)
{
    if (cf_capture_is_on (self->capture))
        cf_capture_put (self->capture, envelope, body);
}

void
cf_port_forget (cf_port_t *self, cf_peer_t *peer)
{
    while (peer->pending)
        s_letter_destroy (self, peer, peer->pending);
    if (peer->full)
        s_clear_full (self, peer);
}

/*  Sends what is pending. Whether all of it went (or has nowhere to go). */
static bool
s_flush (cf_port_t *self, cf_peer_t *peer)
{
    while (peer->pending) {
        cf_letter_t *letter = peer->pending;
        if (s_send (self, peer, &letter->frame, letter->has_body? &letter->body: NULL) == CF_PORT_FULL)
            return false;
        s_letter_destroy (self, peer, letter);
    }
    return true;
}

static void
s_on_retry (void *context, cf_timer_t *timer)
{
    cf_port_t *self = context;
    cf_peer_t *peer, *next, *list = self->full;
    (void) timer;
    self->full = NULL;          /* those that are still full come back onto it, which arms the timer again */
    DL_FOREACH_SAFE2 (list, peer, next, full_next) {
        DL_DELETE2 (list, peer, full_prev, full_next);
        peer->full = false;
        if (!s_flush (self, peer))
            s_mark_full (self, peer);
        else if (self->on_room)
            self->on_room (self->context, peer);
    }
}

int
cf_port_keep (zmq_msg_t *kept, zmq_msg_t *body)
{
    size_t size = zmq_msg_size (body);
    if (size > CF_PORT_COPY_MAX_BYTES) {
        zmq_msg_init (kept);
        return zmq_msg_move (kept, body);
    }
    if (zmq_msg_init_size (kept, size)) {
        zmq_msg_init (kept);
        return -1;
    }
    memcpy (zmq_msg_data (kept), zmq_msg_data (body), size);
    return 0;
}
