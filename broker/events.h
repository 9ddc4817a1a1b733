/* SPDX-License-Identifier: MPL-2.0 */
/*  events - who hears of what
 *
 *  A subscription is to one topic or to a prefix ending in '*'. The last event on each topic that starts with "state."
 *  is kept, and given to whoever subscribes later: how an actor that starts anew learns how things stand.
 *  A topic that starts with "tokens." is produced only while it is wanted: its first subscriber and the loss of its
 *  last are events themselves (wanted.<topic>).
 */
#ifndef CF_BROKER_EVENTS_H
#define CF_BROKER_EVENTS_H

#include "broker/port.h"

#define CF_EVENTS_MAX_PER_PEER 20000u           /* subscriptions */
#define CF_EVENTS_MAX_SUBSCRIPTIONS 200000u
#define CF_EVENTS_MAX_PREFIXES 1000u
#define CF_EVENTS_MAX_VALUES 10000u             /* topics whose last event is kept */
#define CF_EVENTS_MAX_VALUE_BYTES 65536u        /* of one body; larger ones are passed on, not kept */
#define CF_EVENTS_MAX_VALUES_BYTES (64u << 20)  /* of all */
#define CF_EVENTS_MAX_TOPIC 120u                /* wanted.<topic> has to fit an envelope */

typedef struct cf_events cf_events_t;

/*  port is borrowed. NULL when out of memory. */
cf_events_t *cf_events_new (cf_port_t *port);
void cf_events_destroy (cf_events_t **self_p);

/*  Subscribes, and delivers what is kept; again, if peer had subscribed before. 0, or -1 where a bound forbids it. */
int cf_events_subscribe (cf_events_t *self, cf_peer_t *peer, const char *topic);
void cf_events_unsubscribe (cf_events_t *self, cf_peer_t *peer, const char *topic);
/*  Ends all subscriptions of peer. */
void cf_events_forget_peer (cf_events_t *self, cf_peer_t *peer);
/*  Delivers to each subscriber once. keep: as the topic's last value. The body (NULL: none) is only read. */
void cf_events_publish (cf_events_t *self, const cf_envelope_t *envelope, zmq_msg_t *body, bool keep);
/*  Publishes an event of the broker's own. */
void cf_events_announce (cf_events_t *self, const char *topic, uint64_t number, bool keep);
/*  Drops the last value of a topic. */
void cf_events_forget (cf_events_t *self, const char *topic);
/*  Whether anyone would get an event on topic. */
bool cf_events_is_heard (cf_events_t *self, const char *topic);

#endif
