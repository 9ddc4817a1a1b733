/* SPDX-License-Identifier: MPL-2.0 */
/*  notify - a peer on the bus that takes no calls
 *
 *  Who ended while no broker heard us is named again to the next one: it may have met that process in between.
 */

#include "ops/supervisor/notify.h"
#include "actors/lib/event.h"
#include "actors/lib/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEER_TOPIC "state.peer."
#define CF_NOTIFY_PEER_GONE 0           /* number of such an event */
#define CF_NOTIFY_REMEMBERED 64         /* processes that ended last */

struct cf_notify_t {
    cf_link_t *link;
    cf_subscription_t *peers;
    cf_notify_lost_fn *on_lost;
    void *arg;
    char gone [CF_NOTIFY_REMEMBERED] [CF_ENVELOPE_NAME_SIZE];    /* a ring */
    size_t gone_count;
};

/*  "state.peer.edge.1.4711" -> "edge.1", 4711. */
static void
s_on_peer (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) fields;
    cf_notify_t *self = arg;
    if (envelope->number != CF_NOTIFY_PEER_GONE || strncmp (envelope->to, PEER_TOPIC, strlen (PEER_TOPIC)))
        return;
    char name [CF_ENVELOPE_NAME_SIZE];
    snprintf (name, sizeof name, "%s", envelope->to + strlen (PEER_TOPIC));
    char *dot = strrchr (name, '.');
    if (!dot)
        return;
    *dot = 0;
    self->on_lost (self->arg, name, (pid_t) strtol (dot + 1, NULL, 10));
}

/*  A broker has joined; names that it does not know mean nothing to it. */
static void
s_on_joined (void *arg)
{
    cf_notify_t *self = arg;
    for (size_t at = 0; at < CF_NOTIFY_REMEMBERED && at < self->gone_count; at++)
        cf_link_gone (self->link, self->gone [at]);
}

cf_notify_t *
cf_notify_new (cf_loop_t *loop, cf_notify_lost_fn *on_lost, cf_loop_fn *on_joined, void *arg, cf_error_t *error)
{
    cf_notify_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->on_lost = on_lost;
    self->arg = arg;
    self->link = cf_link_new (loop, "supervisor", 1, 0, error);
    if (!self->link) {
        free (self);
        return NULL;
    }
    self->peers = cf_event_subscribe (PEER_TOPIC "*", s_on_peer, self);
    cf_link_on_joined (self->link, s_on_joined, self);
    cf_link_on_joined (self->link, on_joined, arg);
    cf_link_ready (self->link, NULL, NULL);
    return self;
}

void
cf_notify_destroy (cf_notify_t **self_p)
{
    cf_notify_t *self = *self_p;
    if (!self)
        return;
    cf_event_unsubscribe (&self->peers);
    cf_link_destroy (&self->link);
    free (self);
    *self_p = NULL;
}

void
cf_notify_gone (cf_notify_t *self, const char *name, pid_t pid)
{
    char *peer = self->gone [self->gone_count++ % CF_NOTIFY_REMEMBERED];
    snprintf (peer, CF_ENVELOPE_NAME_SIZE, "%.100s.%ld", name, (long) pid);
    cf_link_gone (self->link, peer);
}

void
cf_notify_state (cf_notify_t *self, const char *name, bool ready)
{
    char topic [CF_ENVELOPE_NAME_SIZE];
    (void) self;                        /* a process has one link, which events use */
    snprintf (topic, sizeof topic, "state.process.%.100s", name);
    cf_event_publish (topic, "", CF_NONE, NULL, ready);
}
