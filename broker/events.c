/* SPDX-License-Identifier: MPL-2.0 */
/*  events - topics in a hash table, prefixes in a short list
 *
 *  An event is encoded once; its subscribers get ZeroMQ's counted copies of the same two frames.
 */

#include "broker/events.h"
#include "proto/base/clock.h"
#include "proto/base/metric.h"

#include <stdlib.h>

typedef struct topic topic_t;

struct cf_subscription {
    cf_peer_t *peer;
    topic_t *topic;
    cf_subscription_t *peer_prev, *peer_next;
    cf_subscription_t *topic_prev, *topic_next;
};

typedef struct {
    zmq_msg_t frame, body;
    bool has_body;
} value_t;

struct topic {
    cf_subscription_t *subscriptions;
    value_t *value;                     /* the last event, or NULL */
    topic_t *value_prev, *value_next;   /* among those that have one */
    topic_t *list_prev, *list_next;     /* among prefixes, or among the wanted */
    UT_hash_handle hh;
    size_t name_size;
    char name [];                       /* of a prefix: with its star */
};

struct cf_events {
    cf_port_t *port;                    /* borrowed */
    topic_t *topics;                    /* hash by name, prefixes too */
    topic_t *prefixes;
    topic_t *wanted;                    /* subscribed topics under "tokens." */
    topic_t *values;
    size_t subscription_count, prefix_count, value_count, value_bytes;
    uint64_t serial;                    /* of events, so that nobody gets one twice */
};

static bool
s_starts (const char *text, const char *start)
{
    return strncmp (text, start, strlen (start)) == 0;
}

static bool
s_is_prefix (const topic_t *topic)
{
    return topic->name [topic->name_size - 1] == '*';
}

/*  Whether prefix, "…*", covers the topic of that name. */
static bool
s_covers (const char *prefix, size_t prefix_size, const char *name)
{
    return strncmp (prefix, name, prefix_size - 1) == 0;
}

cf_events_t *
cf_events_new (cf_port_t *port)
{
    cf_events_t *self = calloc (1, sizeof *self);
    if (self)
        self->port = port;
    return self;
}

/*  Topics */

static topic_t *
s_lookup (cf_events_t *self, const char *name)
{
    topic_t *topic;
    HASH_FIND (hh, self->topics, name, strlen (name), topic);
    return topic;
}

static topic_t *
s_need (cf_events_t *self, const char *name)
{
    topic_t *topic = s_lookup (self, name);
    if (topic)
        return topic;
    size_t size = strlen (name);
    topic = calloc (1, sizeof *topic + size + 1);
    if (!topic)
        return NULL;
    topic->name_size = size;
    memcpy (topic->name, name, size + 1);
    HASH_ADD_KEYPTR (hh, self->topics, topic->name, size, topic);
    if (!topic->hh.tbl) {
        free (topic);
        return NULL;
    }
    return topic;
}

static void
s_drop_if_unused (cf_events_t *self, topic_t *topic)
{
    if (topic->subscriptions || topic->value)
        return;
    HASH_DEL (self->topics, topic);
    free (topic);
}

/*  Last values */

static size_t
s_value_bytes (value_t *value)
{
    return zmq_msg_size (&value->frame) + zmq_msg_size (&value->body);
}

static void
s_drop_value (cf_events_t *self, topic_t *topic)
{
    value_t *value = topic->value;
    if (!value)
        return;
    self->value_bytes -= s_value_bytes (value);
    self->value_count--;
    DL_DELETE2 (self->values, topic, value_prev, value_next);
    zmq_msg_close (&value->frame);
    zmq_msg_close (&value->body);
    free (value);
    topic->value = NULL;
}

/*  Keeps copies as the last value of the topic. 0, or -1 where a bound, or memory, forbids it. */
static int
s_keep_value (cf_events_t *self, topic_t *topic, zmq_msg_t *frame, zmq_msg_t *body)
{
    size_t size = zmq_msg_size (frame) + (body? zmq_msg_size (body): 0);
    s_drop_value (self, topic);         /* a value that is outdated is worse than none */
    if ((body && zmq_msg_size (body) > CF_EVENTS_MAX_VALUE_BYTES) || self->value_count >= CF_EVENTS_MAX_VALUES
        || self->value_bytes + size > CF_EVENTS_MAX_VALUES_BYTES)
        return -1;
    value_t *value = calloc (1, sizeof *value);
    if (!value)
        return -1;
    zmq_msg_init (&value->body);
    if (body && zmq_msg_init_size (&value->body, zmq_msg_size (body))) {
        free (value);
        return -1;
    }
    if (body)                           /* really copied: a body keeps all that came with it in one read alive */
        memcpy (zmq_msg_data (&value->body), zmq_msg_data (body), zmq_msg_size (body));
    value->has_body = body != NULL;
    zmq_msg_init (&value->frame);
    zmq_msg_copy (&value->frame, frame);
    topic->value = value;
    self->value_bytes += s_value_bytes (value);
    self->value_count++;
    DL_APPEND2 (self->values, topic, value_prev, value_next);
    return 0;
}

static void
s_deliver_value (cf_events_t *self, cf_peer_t *peer, topic_t *topic)
{
    cf_port_cast (self->port, peer, &topic->value->frame, topic->value->has_body? &topic->value->body: NULL);
}

/*  What is wanted */

static bool
s_is_token_topic (const topic_t *topic)
{
    return s_starts (topic->name, "tokens.");
}

static void
s_wanted_name (const topic_t *topic, char name [CF_ENVELOPE_NAME_SIZE])
{
    strcpy (name, "wanted.");
    memcpy (name + 7, topic->name, topic->name_size + 1);
}

/*  Linking: the list a topic is in follows from its name, while it has subscribers. */
static void
s_link (cf_events_t *self, topic_t *topic)
{
    if (s_is_prefix (topic)) {
        DL_APPEND2 (self->prefixes, topic, list_prev, list_next);
        self->prefix_count++;
    } else if (s_is_token_topic (topic))
        DL_APPEND2 (self->wanted, topic, list_prev, list_next);
}

static void
s_unlink (cf_events_t *self, topic_t *topic)
{
    if (s_is_prefix (topic)) {
        DL_DELETE2 (self->prefixes, topic, list_prev, list_next);
        self->prefix_count--;
    } else if (s_is_token_topic (topic))
        DL_DELETE2 (self->wanted, topic, list_prev, list_next);
}

static void
s_announce_wanted (cf_events_t *self, const topic_t *topic, bool wanted)
{
    char name [CF_ENVELOPE_NAME_SIZE];
    if (!s_is_token_topic (topic) || s_is_prefix (topic))
        return;
    s_wanted_name (topic, name);
    cf_events_announce (self, name, wanted, false);
}

/*  Tells a new subscriber of wanted.* what is wanted already. */
static void
s_deliver_wanted (cf_events_t *self, cf_peer_t *peer, const char *asked)
{
    size_t size = strlen (asked);
    for (topic_t *topic = self->wanted; topic; topic = topic->list_next) {
        cf_envelope_t envelope = { .kind = CF_KIND_EVENT, .number = 1, .from = "broker" };
        s_wanted_name (topic, envelope.to);
        if (asked [size - 1] == '*'? !s_covers (asked, size, envelope.to): strcmp (asked, envelope.to))
            continue;
        zmq_msg_t frame;
        envelope.sent_us = envelope.routed_us = cf_clock_us ();
        if (cf_port_frame (self->port, &envelope, &frame) == 0)
            cf_port_cast (self->port, peer, &frame, NULL);
        zmq_msg_close (&frame);
    }
}

/*  Subscriptions */

static cf_subscription_t *
s_find (const cf_peer_t *peer, const topic_t *topic)
{
    cf_subscription_t *at = topic->subscriptions;
    while (at && at->peer != peer)
        at = at->topic_next;
    return at;
}

static int
s_add (cf_events_t *self, cf_peer_t *peer, topic_t *topic)
{
    cf_subscription_t *subscription = calloc (1, sizeof *subscription);
    if (!subscription)
        return -1;
    subscription->peer = peer;
    subscription->topic = topic;
    bool first = !topic->subscriptions;
    DL_APPEND2 (topic->subscriptions, subscription, topic_prev, topic_next);
    DL_APPEND2 (peer->subscriptions, subscription, peer_prev, peer_next);
    peer->subscription_count++;
    self->subscription_count++;
    if (first) {
        s_link (self, topic);
        s_announce_wanted (self, topic, true);
    }
    return 0;
}

static void
s_remove (cf_events_t *self, cf_subscription_t *subscription)
{
    topic_t *topic = subscription->topic;
    DL_DELETE2 (topic->subscriptions, subscription, topic_prev, topic_next);
    DL_DELETE2 (subscription->peer->subscriptions, subscription, peer_prev, peer_next);
    subscription->peer->subscription_count--;
    self->subscription_count--;
    free (subscription);
    if (!topic->subscriptions) {
        s_unlink (self, topic);
        s_announce_wanted (self, topic, false);
    }
    s_drop_if_unused (self, topic);
}

static bool
s_is_allowed (const cf_events_t *self, const cf_peer_t *peer, const char *name, size_t size)
{
    return size <= CF_EVENTS_MAX_TOPIC && peer->subscription_count < CF_EVENTS_MAX_PER_PEER
        && self->subscription_count < CF_EVENTS_MAX_SUBSCRIPTIONS
        && (name [size - 1] != '*' || self->prefix_count < CF_EVENTS_MAX_PREFIXES);
}

int
cf_events_subscribe (cf_events_t *self, cf_peer_t *peer, const char *name)
{
    topic_t *topic = s_lookup (self, name);
    if (!topic || !s_find (peer, topic)) {
        if (!s_is_allowed (self, peer, name, strlen (name)))
            return -1;
        topic = s_need (self, name);
        if (!topic)
            return -1;
        if (s_add (self, peer, topic)) {
            s_drop_if_unused (self, topic);
            return -1;
        }
    }
    if (topic->value)
        s_deliver_value (self, peer, topic);
    if (s_is_prefix (topic))
        for (topic_t *at = self->values; at; at = at->value_next)
            if (s_covers (topic->name, topic->name_size, at->name))
                s_deliver_value (self, peer, at);
    s_deliver_wanted (self, peer, name);
    return 0;
}

void
cf_events_unsubscribe (cf_events_t *self, cf_peer_t *peer, const char *name)
{
    topic_t *topic = s_lookup (self, name);
    cf_subscription_t *subscription = topic? s_find (peer, topic): NULL;
    if (subscription)
        s_remove (self, subscription);
}

void
cf_events_forget_peer (cf_events_t *self, cf_peer_t *peer)
{
    while (peer->subscriptions)
        s_remove (self, peer->subscriptions);
}

void
cf_events_destroy (cf_events_t **self_p)
{
    cf_events_t *self = *self_p;
    if (!self)
        return;
    topic_t *topic, *next;
    HASH_ITER (hh, self->topics, topic, next) {
        while (topic->subscriptions) {
            cf_subscription_t *subscription = topic->subscriptions;
            DL_DELETE2 (topic->subscriptions, subscription, topic_prev, topic_next);
            free (subscription);
        }
        s_drop_value (self, topic);
        HASH_DEL (self->topics, topic);
        free (topic);
    }
    free (self);
    *self_p = NULL;
}

/*  Events */

static bool
s_is_covered (const cf_events_t *self, const char *name)
{
    for (const topic_t *prefix = self->prefixes; prefix; prefix = prefix->list_next)
        if (s_covers (prefix->name, prefix->name_size, name))
            return true;
    return false;
}

bool
cf_events_is_heard (cf_events_t *self, const char *name)
{
    topic_t *topic = s_lookup (self, name);
    return (topic && topic->subscriptions) || s_is_covered (self, name);
}

static void
s_deliver (cf_events_t *self, topic_t *topic, zmq_msg_t *frame, zmq_msg_t *body)
{
    for (cf_subscription_t *at = topic->subscriptions; at; at = at->topic_next)
        if (at->peer->event != self->serial) {
            at->peer->event = self->serial;
            cf_port_cast (self->port, at->peer, frame, body);
        }
}

void
cf_events_publish (cf_events_t *self, const cf_envelope_t *envelope, zmq_msg_t *body, bool keep)
{
    const char *name = envelope->to;
    topic_t *topic = keep? s_need (self, name): s_lookup (self, name);
    bool covered = s_is_covered (self, name);
    if (!topic && !covered)
        return;
    zmq_msg_t frame;
    if (cf_port_frame (self->port, envelope, &frame) == 0) {
        if (keep && topic && s_keep_value (self, topic, &frame, body))
            cf_metric_add (CF_METRIC_broker_dropped_total, 1);
        self->serial++;
        if (topic)
            s_deliver (self, topic, &frame, body);
        for (topic_t *at = covered? self->prefixes: NULL; at; at = at->list_next)
            if (s_covers (at->name, at->name_size, name))
                s_deliver (self, at, &frame, body);
    }
    zmq_msg_close (&frame);
    if (topic)
        s_drop_if_unused (self, topic);
}

void
cf_events_announce (cf_events_t *self, const char *name, uint64_t number, bool keep)
{
    cf_envelope_t envelope = { .kind = CF_KIND_EVENT, .number = number, .from = "broker" };
    strncpy (envelope.to, name, sizeof envelope.to - 1);
    envelope.sent_us = envelope.routed_us = cf_clock_us ();
    cf_port_show (self->port, &envelope, NULL);
    cf_events_publish (self, &envelope, NULL, keep);
}

void
cf_events_forget (cf_events_t *self, const char *name)
{
    topic_t *topic = s_lookup (self, name);
    if (!topic)
        return;
    s_drop_value (self, topic);
    s_drop_if_unused (self, topic);
}
