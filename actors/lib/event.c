/* SPDX-License-Identifier: MPL-2.0 */
/*  event - topics in a hash, prefixes in a short list; each known to the broker once however many listen here */

#include "actors/lib/event.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"
#include "proto/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

typedef struct topic_t topic_t;

struct cf_subscription_t {
    cf_subscription_t *prev, *next;
    topic_t *topic;
    cf_event_fn *fn;                    /* NULL: ended while an event was being handed out */
    void *arg;
};

struct topic_t {
    UT_hash_handle hh;
    topic_t *prev, *next;               /* in the list of prefixes */
    char name [CF_ENVELOPE_NAME_SIZE];  /* a prefix without its '*' */
    bool prefix;
    topic_t *ended_next;                /* among those with ended subscriptions */
    bool ended;
    cf_subscription_t *subscriptions;
};

static topic_t *s_topics, *s_prefixes;
static topic_t *s_ended;                /* to be looked at when the event is handed out */
static int s_busy;                      /* an event is being handed out: free nothing that the lists go through */

static void
s_tell_broker (const topic_t *topic, bool on)
{
    cf_envelope_t envelope = { .kind = CF_KIND_SUBSCRIBE, .number = on };
    snprintf (envelope.to, sizeof envelope.to, "%.*s%s", (int) sizeof envelope.to - 2, topic->name, topic->prefix? "*": "");
    cf_link_send (cf_link_here (), &envelope, NULL);
}

static void
s_free_ended (topic_t *topic)
{
    cf_subscription_t *subscription, *next;
    topic->ended = false;
    DL_FOREACH_SAFE (topic->subscriptions, subscription, next)
        if (!subscription->fn) {
            DL_DELETE (topic->subscriptions, subscription);
            free (subscription);
        }
    if (topic->subscriptions)
        return;
    if (cf_link_here ())
        s_tell_broker (topic, false);
    if (topic->prefix)
        DL_DELETE (s_prefixes, topic);
    else
        HASH_DEL (s_topics, topic);
    free (topic);
}

static void
s_hand_out (topic_t *topic, const cf_envelope_t *envelope, const void *fields)
{
    cf_subscription_t *subscription;
    DL_FOREACH (topic->subscriptions, subscription)
        if (subscription->fn)
            subscription->fn (subscription->arg, envelope, fields);
}

static void
s_on_event (void *arg, const cf_envelope_t *envelope, const void *bytes, size_t size)
{
    (void) arg;
    cf_error_t error;
    void *fields = NULL;
    if (envelope->message && !(fields = cf_codec_decode (envelope->message, bytes, size, &error))) {
        cf_metric_add (CF_METRIC_link_malformed_total, 1);
        cf_log_warning ("event %s from %s: %s", envelope->to, envelope->from, error.text);
        return;
    }
    topic_t *topic;
    s_busy++;
    HASH_FIND_STR (s_topics, envelope->to, topic);
    if (topic)
        s_hand_out (topic, envelope, fields);
    DL_FOREACH (s_prefixes, topic)
        if (strncmp (envelope->to, topic->name, strlen (topic->name)) == 0)
            s_hand_out (topic, envelope, fields);
    s_busy--;
    while (!s_busy && s_ended) {
        topic = s_ended;
        s_ended = topic->ended_next;
        s_free_ended (topic);
    }
    cf_codec_free (&fields);
}

static void
s_on_joined (void *arg)
{
    (void) arg;
    topic_t *topic, *next;
    HASH_ITER (hh, s_topics, topic, next)
        s_tell_broker (topic, true);
    DL_FOREACH (s_prefixes, topic)
        s_tell_broker (topic, true);
}

static topic_t *
s_topic (const char *name)
{
    size_t size = strlen (name);
    bool prefix = size && name [size - 1] == '*';
    topic_t *topic = NULL;
    if (prefix) {
        DL_FOREACH (s_prefixes, topic)
            if (strlen (topic->name) == size - 1 && strncmp (topic->name, name, size - 1) == 0)
                break;
    }
    else
        HASH_FIND_STR (s_topics, name, topic);
    if (topic || !(topic = calloc (1, sizeof *topic)))
        return topic;
    snprintf (topic->name, sizeof topic->name, "%.*s", (int) (prefix? size - 1: size), name);
    topic->prefix = prefix;
    if (prefix)
        DL_APPEND (s_prefixes, topic);
    else
        HASH_ADD_STR (s_topics, name, topic);
    s_tell_broker (topic, true);
    return topic;
}

cf_subscription_t *
cf_event_subscribe (const char *name, cf_event_fn *fn, void *arg)
{
    cf_link_listen (cf_link_here (), CF_KIND_EVENT, s_on_event, NULL);
    cf_link_on_joined (cf_link_here (), s_on_joined, NULL);
    topic_t *topic = s_topic (name);
    cf_subscription_t *self = topic? calloc (1, sizeof *self): NULL;
    if (!self)
        return NULL;
    self->topic = topic;
    self->fn = fn;
    self->arg = arg;
    DL_APPEND (topic->subscriptions, self);
    return self;
}

void
cf_event_unsubscribe (cf_subscription_t **self_p)
{
    cf_subscription_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    self->fn = NULL;
    if (!s_busy)
        s_free_ended (self->topic);
    else if (!self->topic->ended) {
        self->topic->ended = true;
        self->topic->ended_next = s_ended;
        s_ended = self->topic;
    }
}

void
cf_event_ask_again (const cf_subscription_t *self)
{
    s_tell_broker (self->topic, true);
}

int
cf_event_publish (const char *topic, const char *job, cf_message_id_t id, const void *fields, uint64_t number)
{
    cf_envelope_t envelope = { .kind = CF_KIND_EVENT, .number = number };
    snprintf (envelope.to, sizeof envelope.to, "%s", topic);
    snprintf (envelope.job, sizeof envelope.job, "%s", job);
    cf_body_t *body = id == CF_NONE? NULL: cf_body_new (id, fields);
    if (id != CF_NONE && !body)
        return -1;
    int rc = cf_link_send (cf_link_here (), &envelope, body);
    cf_body_unref (&body);
    return rc;
}
