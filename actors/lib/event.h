/* SPDX-License-Identifier: MPL-2.0 */
/*  event - publish and subscribe by topic
 *
 *  Subscriptions survive a broker's death. An event may be lost when the broker dies or a subscriber does not keep up:
 *  who must not miss one numbers them and asks for what is missing.
 */
#ifndef CF_LIB_EVENT_H
#define CF_LIB_EVENT_H

#include "actors/lib/link.h"

/*  fields: the decoded message, borrowed; NULL where the event has none. Runs on the loop, in no task. */
typedef void (cf_event_fn) (void *arg, const cf_envelope_t *envelope, const void *fields);
typedef struct cf_subscription_t cf_subscription_t;

/*  Subscribes to a topic, or with a last '*' to all that begin so; several subscriptions to one topic are fine. NULL when
    out of memory. Yours to end. */
cf_subscription_t *cf_event_subscribe (const char *topic, cf_event_fn *fn, void *arg);
/*  Asks for the last values of its topics again (state.* only), which come to all that listen here. */
void cf_event_ask_again (const cf_subscription_t *self);
/*  Ends it; may be called from within an event. Safe twice. */
void cf_event_unsubscribe (cf_subscription_t **self_p);
/*  Publishes; job may be "" and fields NULL with id CF_NONE. 0, or -1 when nobody could be told (not an error). */
int cf_event_publish (const char *topic, const char *job, cf_message_id_t id, const void *fields, uint64_t number);

#endif
