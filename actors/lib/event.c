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
    int busy;                           /* being handed out: do not free */
    cf_subscription_t *subscriptions;
};

static topic_t *s_topics, *s_prefixes;
static cf_link_t *s_link;               /* the one we listen on */

static void
s_tell_broker (const topic_t *topic, bool on)
{
    cf_envelope_t envelope = { .kind = CF_KIND_SUBSCRIBE, .number = on };
    snprintf (envelope.to, sizeof envelope.to, "%.*s%s", (int) sizeof envelope.to - 2, topic->name, topic->prefix? "*": "");
    cf_link_send (cf_link_here (), &envelope, NULL);
}

static void
s_free_if_unused (topic_t *topic)
{
    cf_subscription_t *subscription, *next;
    if (topic->busy)
        return;
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
    topic->busy++;
    cf_subscription_t *subscription;
    DL_FOREACH (topic->subscriptions, subscription)
        if (subscription->fn)
            subscription->fn (subscription->arg, envelope, fields);
    topic->busy--;
    s_free_if_unused (topic);
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
    topic_t *topic, *next;
    HASH_FIND_STR (s_topics, envelope->to, topic);
    if (topic)
        s_hand_out (topic, envelope, fields);
    DL_FOREACH_SAFE (s_prefixes, topic, next)
        if (strncmp (envelope->to, topic->name, strlen (topic->name)) == 0)
            s_hand_out (topic, envelope, fields);
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
    if (s_link != cf_link_here ()) {
        s_link = cf_link_here ();
        cf_link_listen (s_link, CF_KIND_EVENT, s_on_event, NULL);
        cf_link_on_joined (s_link, s_on_joined, NULL);
    }
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
    s_free_if_unused (self->topic);
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
