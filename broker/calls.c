/* SPDX-License-Identifier: MPL-2.0 */
/*  calls - one record a call, found by caller and number, hung on its caller, its callee or a queue */

#include "broker/calls.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"

#include <stdlib.h>

typedef enum { QUEUED, FLYING, ENDED } state_t;

typedef struct {
    cf_peer_t *caller;
    uint64_t number;
} call_key_t;

/*  What is needed only until a callee has the call. */
typedef struct {
    cf_queue_entry_t entry;     /* first: the queue's owner */
    cf_call_t *call;
    cf_service_t *service;      /* whose queue */
    cf_envelope_t envelope;
    zmq_msg_t body;
    bool has_body;
    size_t bytes;
} waiting_t;

struct cf_call {
    cf_timer_t timer;           /* first: the timer's owner */
    call_key_t key;
    state_t state;
    cf_error_code_t outcome;    /* ENDED: what its caller was told */
    cf_peer_t *callee;          /* FLYING, ENDED */
    uint64_t deadline_ms;       /* on our clock */
    waiting_t *waiting;         /* QUEUED */
    char job [CF_UUID_SIZE];    /* so that the sniffer can follow the job */
    cf_call_t *made_prev, *made_next;
    cf_call_t *taken_prev, *taken_next;
    UT_hash_handle hh;
};

struct cf_calls {
    cf_registry_t *registry;    /* borrowed, as the next two */
    cf_port_t *port;
    cf_timers_t *timers;
    uint64_t queue_max;
    uint64_t grace_ms;
    uint64_t held_until_ms;     /* after a start of ours everyone is about to come back */
    size_t waiting_bytes;
    cf_call_t *calls;           /* hash by key */
};

static void s_on_timer (void *context, cf_timer_t *timer);

cf_calls_t *
cf_calls_new (cf_registry_t *registry, cf_port_t *port, cf_timers_t *timers, uint64_t queue_max, uint64_t grace_ms)
{
    cf_calls_t *self = calloc (1, sizeof *self);
    if (self)
        *self = (cf_calls_t) { .registry = registry, .port = port, .timers = timers, .queue_max = queue_max,
                               .grace_ms = grace_ms, .held_until_ms = timers->now_ms + grace_ms };
    return self;
}

/*  A record's life */

static void
s_count (cf_calls_t *self)
{
    cf_metric_set (CF_METRIC_broker_calls_open, HASH_COUNT (self->calls));
}

static cf_call_t *
s_find (cf_calls_t *self, cf_peer_t *caller, uint64_t number)
{
    call_key_t key = { caller, number };
    cf_call_t *call;
    HASH_FIND (hh, self->calls, &key, sizeof key, call);
    return call;
}

static cf_call_t *
s_call_new (cf_calls_t *self, cf_peer_t *caller, const cf_envelope_t *envelope)
{
    cf_call_t *call = calloc (1, sizeof *call);
    if (!call)
        return NULL;
    uint32_t left_ms = envelope->deadline_ms;
    if (left_ms == 0 || left_ms > CF_CALLS_MAX_DEADLINE_MS)
        left_ms = CF_CALLS_MAX_DEADLINE_MS;
    call->timer.fire = s_on_timer;
    call->timer.context = self;
    call->key = (call_key_t) { caller, envelope->call };
    call->deadline_ms = self->timers->now_ms + left_ms;
    memcpy (call->job, envelope->job, sizeof call->job);
    HASH_ADD (hh, self->calls, key, sizeof call->key, call);
    if (!call->hh.tbl) {
        free (call);
        return NULL;
    }
    DL_APPEND2 (caller->made, call, made_prev, made_next);
    s_count (self);
    return call;
}

/*  Takes the call out of its queue. */
static void
s_unqueue (cf_calls_t *self, cf_call_t *call)
{
    waiting_t *waiting = call->waiting;
    call->waiting = NULL;
    cf_queue_remove (&waiting->service->queue, &waiting->entry);
    cf_registry_drop (self->registry, waiting->service);
    self->waiting_bytes -= waiting->bytes;
    zmq_msg_close (&waiting->body);
    free (waiting);
}

static void
s_untake (cf_call_t *call)
{
    DL_DELETE2 (call->callee->taken, call, taken_prev, taken_next);
    call->callee->in_flight--;
    call->callee = NULL;
}

static void
s_call_destroy (cf_calls_t *self, cf_call_t *call)
{
    cf_peer_t *caller = call->key.caller;
    if (call->waiting)
        s_unqueue (self, call);
    if (call->callee)
        s_untake (call);
    cf_timers_disarm (self->timers, &call->timer);
    DL_DELETE2 (caller->made, call, made_prev, made_next);
    HASH_DEL (self->calls, call);
    free (call);
    s_count (self);
    cf_registry_release (self->registry, caller);
}

void
cf_calls_destroy (cf_calls_t **self_p)
{
    cf_calls_t *self = *self_p;
    if (!self)
        return;
    while (self->calls)
        s_call_destroy (self, self->calls);
    free (self);
    *self_p = NULL;
}

/*  What the broker itself says about a call */

static void
s_fail (cf_calls_t *self, cf_call_t *call, cf_error_code_t code)
{
    cf_envelope_t envelope = { .kind = CF_KIND_FAILED, .call = call->key.number, .number = code };
    memcpy (envelope.job, call->job, sizeof envelope.job);
    cf_metric_add (CF_METRIC_broker_calls_failed_total, 1);
    cf_port_say (self->port, call->key.caller, &envelope);
}

void
cf_calls_refuse (cf_calls_t *self, cf_peer_t *peer, const cf_envelope_t *envelope, cf_error_code_t code)
{
    cf_envelope_t answer = { .kind = CF_KIND_FAILED, .call = envelope->call, .number = code };
    memcpy (answer.job, envelope->job, sizeof answer.job);
    cf_metric_add (CF_METRIC_broker_calls_failed_total, 1);
    cf_port_say (self->port, peer, &answer);
}

static void
s_fail_and_destroy (cf_calls_t *self, cf_call_t *call, cf_error_code_t code)
{
    s_fail (self, call, code);
    s_call_destroy (self, call);
}

/*  The callee is told to stop; it keeps the call, and the credit, until it answers. */
static void
s_cancel_flying (cf_calls_t *self, cf_call_t *call, cf_error_code_t outcome)
{
    cf_envelope_t envelope = { .kind = CF_KIND_CANCEL, .call = call->key.number };
    memcpy (envelope.job, call->job, sizeof envelope.job);
    memcpy (envelope.from, call->key.caller->name, call->key.caller->name_size + 1);
    memcpy (envelope.to, call->callee->name, call->callee->name_size + 1);
    envelope.sent_us = envelope.routed_us = self->timers->now_us;
    cf_port_show (self->port, &envelope, NULL);
    cf_port_post (self->port, call->callee, &envelope, NULL);
    call->state = ENDED;
    call->outcome = outcome;
    cf_timers_arm (self->timers, &call->timer, self->timers->now_ms + CF_CALLS_FORGET_MS);
}

/*  From a queue to a callee */

static bool
s_takes_direct (const cf_peer_t *peer)
{
    return peer && !peer->doomed && (peer->state == CF_PEER_READY || peer->state == CF_PEER_LEAVING);
}

/*  Who takes the next call for name: that very peer, or the one of service with credit and the least to do. */
static cf_peer_t *
s_pick (cf_calls_t *self, const char *name, cf_service_t *service)
{
    cf_peer_t *best = NULL;
    if (!service || service->direct) {
        cf_peer_t *peer = cf_registry_lookup (self->registry, name);
        return s_takes_direct (peer) && !peer->full? peer: NULL;
    }
    for (cf_peer_t *peer = service->peers; peer; peer = peer->next)
        if (peer->state == CF_PEER_READY && !peer->doomed && !peer->full && peer->in_flight < peer->credit
            && (!best || peer->in_flight < best->in_flight))
            best = peer;
    return best;
}

/*  Whether somebody takes, or will take, calls that wait here; else they have only the grace time. */
static bool
s_is_served (cf_calls_t *self, const cf_service_t *service)
{
    return service->direct? s_takes_direct (cf_registry_lookup (self->registry, service->name)): service->ready > 0;
}

static cf_port_result_t
s_hand_over (cf_calls_t *self, cf_call_t *call, cf_peer_t *callee, cf_envelope_t *envelope, zmq_msg_t *body)
{
    uint64_t now_ms = self->timers->now_ms;
    envelope->deadline_ms = call->deadline_ms > now_ms? (uint32_t) (call->deadline_ms - now_ms): 1;
    envelope->routed_us = self->timers->now_us;
    cf_port_result_t result = cf_port_offer (self->port, callee, envelope, body);
    if (result == CF_PORT_SENT) {
        call->state = FLYING;
        call->callee = callee;
        callee->in_flight++;
        DL_APPEND2 (callee->taken, call, taken_prev, taken_next);
    }
    return result;
}

/*  After a refused offer: it will not be picked again; false only where memory ran out. */
static bool
s_is_blocked (const cf_peer_t *callee)
{
    return callee->full || callee->doomed;
}

static void
s_dispatch (cf_calls_t *self, cf_service_t *service)
{
    cf_peer_t *callee;
    while (service->queue.size && (callee = s_pick (self, service->name, service))) {
        waiting_t *waiting = (waiting_t *) cf_queue_peek (&service->queue);
        cf_call_t *call = waiting->call;
        if (s_hand_over (self, call, callee, &waiting->envelope, waiting->has_body? &waiting->body: NULL) != CF_PORT_SENT) {
            if (s_is_blocked (callee))
                continue;
            break;
        }
        cf_queue_pop (&service->queue);
        self->waiting_bytes -= waiting->bytes;
        zmq_msg_close (&waiting->body);
        free (waiting);
        call->waiting = NULL;
        /* moves to a later time if it had only the grace: the node is in the heap, so this needs no memory */
        cf_timers_arm (self->timers, &call->timer, call->deadline_ms);
    }
    cf_registry_drop (self->registry, service);
}

void
cf_calls_serve (cf_calls_t *self, cf_peer_t *peer)
{
    cf_service_t *direct = cf_registry_service (self->registry, peer->name);
    if (direct)
        s_dispatch (self, direct);
    if (peer->service && peer->service->queue.size)
        s_dispatch (self, peer->service);
}

/*  Into a queue */

static uint64_t
s_earlier (uint64_t a, uint64_t b)
{
    return a < b? a: b;
}

/*  Until when a call may wait in this queue as things are. */
static uint64_t
s_patience_ms (cf_calls_t *self, const cf_call_t *call, const cf_service_t *service)
{
    if (s_is_served (self, service))
        return call->deadline_ms;
    bool expected = service->direct? cf_registry_lookup (self->registry, service->name) != NULL
                                   : service->peers || cf_registry_is_known (service->name);
    return s_earlier (call->deadline_ms, expected? self->timers->now_ms + self->grace_ms: self->held_until_ms);
}

/*  Takes the body. 0, or -1 where a bound, or memory, does not allow it. The call's timer is armed already. */
static int
s_enqueue (cf_calls_t *self, cf_call_t *call, cf_service_t *service, const cf_envelope_t *envelope, zmq_msg_t *body)
{
    size_t bytes = sizeof (waiting_t) + sizeof *call + (body? zmq_msg_size (body): 0);
    if (service->queue.size >= self->queue_max || self->waiting_bytes + bytes > CF_CALLS_MAX_WAITING_BYTES)
        return -1;
    waiting_t *waiting = calloc (1, sizeof *waiting);
    if (!waiting)
        return -1;
    waiting->call = call;
    waiting->service = service;
    waiting->envelope = *envelope;
    waiting->bytes = bytes;
    waiting->has_body = body != NULL;
    zmq_msg_init (&waiting->body);
    if ((body && cf_port_keep (&waiting->body, body))
        || cf_queue_push (&service->queue, &waiting->entry, envelope->priority, envelope->user)) {
        zmq_msg_close (&waiting->body);
        free (waiting);
        return -1;
    }
    call->state = QUEUED;
    call->waiting = waiting;
    self->waiting_bytes += bytes;
    cf_timers_arm (self->timers, &call->timer, s_patience_ms (self, call, service));
    return 0;
}

/*  Whether name is, or may soon be, somebody. */
static bool
s_is_somebody (cf_calls_t *self, const char *name)
{
    if (self->timers->now_ms < self->held_until_ms)
        return strcmp (name, "broker") != 0;
    if (strchr (name, '.')) {
        cf_peer_t *peer = cf_registry_lookup (self->registry, name);
        return peer && peer->service && !peer->doomed;
    }
    cf_service_t *service = cf_registry_service (self->registry, name);
    return (service && service->peers) || (cf_registry_is_known (name) && strcmp (name, "broker"));
}

/*  The call is known: it was sent again because its caller's connection, or ours, was lost. */
static void
s_repeat (cf_calls_t *self, cf_call_t *call)
{
    if (call->state == ENDED)
        s_fail (self, call, call->outcome);
}

void
cf_calls_request (cf_calls_t *self, cf_peer_t *caller, cf_envelope_t *envelope, zmq_msg_t *body)
{
    cf_metric_add (CF_METRIC_broker_calls_total, 1);
    cf_call_t *call = s_find (self, caller, envelope->call);
    if (call) {
        s_repeat (self, call);
        return;
    }
    if (!s_is_somebody (self, envelope->to)) {
        cf_calls_refuse (self, caller, envelope, CF_ERROR_NO_ACTOR);
        return;
    }
    bool direct = strchr (envelope->to, '.') != NULL;
    cf_service_t *service = cf_registry_service (self->registry, envelope->to);
    cf_peer_t *callee = service && service->queue.size? NULL: direct || service? s_pick (self, envelope->to, service): NULL;
    if (direct && callee && callee->in_flight >= callee->credit + self->queue_max) {
        cf_calls_refuse (self, caller, envelope, CF_ERROR_BUSY);
        return;
    }
    call = s_call_new (self, caller, envelope);
    if (call && cf_timers_arm (self->timers, &call->timer, call->deadline_ms)) {
        s_call_destroy (self, call);
        call = NULL;
    }
    if (!call) {
        cf_calls_refuse (self, caller, envelope, CF_ERROR_BUSY);
        return;
    }
    while (callee && s_hand_over (self, call, callee, envelope, body) != CF_PORT_SENT)
        callee = s_is_blocked (callee)? s_pick (self, envelope->to, service): NULL;
    if (callee)
        return;
    service = cf_registry_need (self->registry, envelope->to);
    if (!service || s_enqueue (self, call, service, envelope, body)) {
        s_fail_and_destroy (self, call, CF_ERROR_BUSY);
        if (service)
            cf_registry_drop (self->registry, service);
    }
}

/*  Ends */

/*  The answer to a call that is nobody's: it was made before a restart of ours, or has ended already. Its caller knows. */
static void
s_pass_on (cf_calls_t *self, cf_envelope_t *envelope, zmq_msg_t *body)
{
    cf_peer_t *caller = cf_registry_lookup (self->registry, envelope->to);
    if (caller && caller->service)
        cf_port_post (self->port, caller, envelope, body);
    else
        cf_metric_add (CF_METRIC_broker_dropped_total, 1);
}

/*  Whether the peer may have got a call that waits here from the broker that was there before this one; it need not have
    said HELLO to this one yet. */
static bool
s_belongs (const cf_peer_t *peer, const cf_service_t *service)
{
    size_t size = strlen (service->name);
    return peer->service == service
        || (strncmp (peer->name, service->name, size) == 0 && (peer->name [size] == '.' || !peer->name [size]));
}

void
cf_calls_answer (cf_calls_t *self, cf_peer_t *peer, cf_envelope_t *envelope, zmq_msg_t *body)
{
    cf_peer_t *caller = cf_registry_lookup_any (self->registry, envelope->to);
    cf_call_t *call = caller? s_find (self, caller, envelope->call): NULL;
    if (!call) {
        s_pass_on (self, envelope, body);
        return;
    }
    bool from_before = call->state == QUEUED && s_belongs (peer, call->waiting->service);
    if (call->callee != peer && !from_before) {
        cf_metric_add (CF_METRIC_broker_dropped_total, 1);
        return;
    }
    if (call->state != ENDED)
        cf_port_post (self->port, caller, envelope, body);
    s_call_destroy (self, call);
    cf_calls_serve (self, peer);
}

/*  A call that is nobody's has ended by itself, or was made before a restart of ours: who may have it is told. */
static void
s_cancel_unknown (cf_calls_t *self, const cf_envelope_t *envelope)
{
    cf_peer_t *peer = cf_registry_lookup (self->registry, envelope->to);
    if (peer && peer->service)
        cf_port_post (self->port, peer, envelope, NULL);
    cf_service_t *service = peer? NULL: cf_registry_service (self->registry, envelope->to);
    for (peer = service? service->peers: NULL; peer; peer = peer->next)
        cf_port_post (self->port, peer, envelope, NULL);
}

void
cf_calls_cancel (cf_calls_t *self, cf_peer_t *caller, cf_envelope_t *envelope)
{
    cf_call_t *call = s_find (self, caller, envelope->call);
    if (!call)
        s_cancel_unknown (self, envelope);
    else if (call->state == QUEUED)
        s_fail_and_destroy (self, call, CF_ERROR_CANCELLED);
    else if (call->state == FLYING) {
        s_fail (self, call, CF_ERROR_CANCELLED);
        s_cancel_flying (self, call, CF_ERROR_CANCELLED);
    }
}

static void
s_on_timer (void *context, cf_timer_t *timer)
{
    cf_calls_t *self = context;
    cf_call_t *call = (cf_call_t *) timer;
    bool overdue = call->deadline_ms <= self->timers->now_ms;
    if (call->state == QUEUED && !overdue && s_is_served (self, call->waiting->service))
        cf_timers_arm (self->timers, timer, call->deadline_ms);     /* its service came back meanwhile */
    else if (call->state == QUEUED)
        s_fail_and_destroy (self, call, overdue? CF_ERROR_TIMEOUT: CF_ERROR_NO_ACTOR);
    else if (call->state == FLYING) {
        s_fail (self, call, CF_ERROR_TIMEOUT);
        s_cancel_flying (self, call, CF_ERROR_TIMEOUT);
    } else {
        cf_peer_t *callee = call->callee;
        cf_log_warning ("%s never answered a CANCEL; its credit is given back", callee->name);
        s_call_destroy (self, call);
        cf_calls_serve (self, callee);
    }
}

static void
s_shorten (void *context, cf_queue_entry_t *entry)
{
    cf_calls_t *self = context;
    waiting_t *waiting = (waiting_t *) entry;
    cf_timers_arm (self->timers, &waiting->call->timer, s_patience_ms (self, waiting->call, waiting->service));
}

void
cf_calls_absent (cf_calls_t *self, cf_service_t *service)
{
    if (service->queue.size && !s_is_served (self, service))
        cf_queue_walk (&service->queue, s_shorten, self);
}

void
cf_calls_reconnected (cf_calls_t *self, cf_peer_t *peer)
{
    for (cf_call_t *call = peer->taken; call; call = call->taken_next)
        if (call->state == FLYING) {
            s_fail (self, call, CF_ERROR_ACTOR_GONE);
            s_cancel_flying (self, call, CF_ERROR_ACTOR_GONE);     /* if it did arrive, it is not worked on twice */
        }
}

void
cf_calls_peer_gone (cf_calls_t *self, cf_peer_t *peer)
{
    cf_call_t *call, *next;
    DL_FOREACH_SAFE2 (peer->taken, call, next, taken_next) {
        if (call->state == FLYING)
            s_fail (self, call, CF_ERROR_ACTOR_GONE);
        s_call_destroy (self, call);
    }
    cf_service_t *direct = cf_registry_service (self->registry, peer->name);
    while (direct && direct->queue.size) {
        bool last = direct->queue.size == 1;    /* with it the queue goes, too */
        s_fail_and_destroy (self, ((waiting_t *) cf_queue_peek (&direct->queue))->call, CF_ERROR_ACTOR_GONE);
        if (last)
            break;
    }
    DL_FOREACH_SAFE2 (peer->made, call, next, made_next) {
        if (call->state == QUEUED)
            s_call_destroy (self, call);
        else if (call->state == FLYING)
            s_cancel_flying (self, call, CF_ERROR_CANCELLED);
    }
}
