/* SPDX-License-Identifier: MPL-2.0 */
/*  event - topics and prefixes, more than one listener, endings within an event, a broker that dies */

#include "tests/support/world.h"

static struct {
    int first, second, third;
    uint64_t number;
    char provider [32];
    cf_subscription_t *subscriptions [3];
} heard;

static void
s_on_first (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    const cf_breaker_state_t *state = fields;
    heard.first++;
    heard.number = envelope->number;
    snprintf (heard.provider, sizeof heard.provider, "%s", state? state->provider: "");
}

static void
s_on_second (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    (void) envelope;
    (void) fields;
    heard.second++;
}

/*  Ends all subscriptions, its own too. */
static void
s_on_third (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    (void) envelope;
    (void) fields;
    heard.third++;
    for (size_t at = 0; at < 3; at++)
        cf_event_unsubscribe (&heard.subscriptions [at]);
}

/*  A publisher: says "one" on each topic that it hears asked for on test.say. */
static void
s_on_say (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    const cf_breaker_state_t *state = fields;
    cf_event_publish (state->provider, "", CF_BREAKER_STATE, &(cf_breaker_state_t) { .provider = "one" }, envelope->number);
}

static void
s_play (cf_loop_t *loop)
{
    cf_event_subscribe ("test.say", s_on_say, NULL);
    world_serve (loop, NULL, 0);
}

WORLD_ROLES ({ "publisher", s_play })

static void
s_ask (const char *topic, uint64_t number)
{
    world_until (cf_event_publish ("test.say", "", CF_BREAKER_STATE, &(cf_breaker_state_t) { .provider = topic }, number) == 0);
}

static void
s_begin (void)
{
    world_begin ();
    memset (&heard, 0, sizeof heard);
    world_actor ("publisher", "qa", 1);
}

START_TEST (everybody_who_listens_hears_it)
{
    s_begin ();
    cf_subscription_t *first = cf_event_subscribe ("test.a", s_on_first, NULL);
    cf_subscription_t *second = cf_event_subscribe ("test.a", s_on_second, NULL);
    cf_subscription_t *prefix = cf_event_subscribe ("test.*", s_on_second, NULL);
    s_ask ("test.a", 42);
    world_until (heard.first == 1 && heard.second == 2 + 1);    /* the prefix heard the asking, too */
    ck_assert_uint_eq (heard.number, 42);
    ck_assert_str_eq (heard.provider, "one");
    cf_event_unsubscribe (&second);
    cf_event_unsubscribe (&second);
    s_ask ("test.b", 1);
    s_ask ("test.a", 2);
    world_until (heard.first == 2 && heard.second == 3 + 4);
    cf_event_unsubscribe (&first);
    cf_event_unsubscribe (&prefix);
    world_end ();
}
END_TEST

START_TEST (a_subscription_outlives_the_broker)
{
    s_begin ();
    cf_subscription_t *first = cf_event_subscribe ("test.a", s_on_first, NULL);
    uint64_t epoch = cf_link_epoch (world.link);
    world_kill_broker ();
    cf_subscription_t *second = cf_event_subscribe ("test.b", s_on_second, NULL);
    world_start_broker ();
    world_until (cf_link_epoch (world.link) != epoch);
    /* an event may be lost until the publisher has joined, too: ask until it comes */
    world_until ((s_ask ("test.a", 1), s_ask ("test.b", 1), heard.first && heard.second));
    cf_event_unsubscribe (&first);
    cf_event_unsubscribe (&second);
    world_end ();
}
END_TEST

START_TEST (all_may_end_within_an_event)
{
    s_begin ();
    heard.subscriptions [0] = cf_event_subscribe ("test.*", s_on_second, NULL);
    heard.subscriptions [1] = cf_event_subscribe ("test.a*", s_on_third, NULL);
    heard.subscriptions [2] = cf_event_subscribe ("test.a", s_on_second, NULL);
    s_ask ("test.a", 1);
    world_until (heard.third == 1);
    cf_subscription_t *first = cf_event_subscribe ("test.a", s_on_first, NULL);
    s_ask ("test.a", 2);
    world_until (heard.first == 1);
    ck_assert_int_eq (heard.third, 1);
    cf_event_unsubscribe (&first);
    world_end ();
}
END_TEST

START_TEST (a_last_value_comes_to_who_subscribes_later_and_to_who_asks_again)
{
    s_begin ();
    cf_subscription_t *second = cf_event_subscribe ("state.test", s_on_second, NULL);
    s_ask ("state.test", 5);
    world_until (heard.second == 1);
    cf_subscription_t *first = cf_event_subscribe ("state.te*", s_on_first, NULL);
    world_until (heard.first == 1);
    ck_assert_uint_eq (heard.number, 5);
    cf_event_ask_again (first);
    world_until (heard.first == 2);
    cf_event_unsubscribe (&first);
    cf_event_unsubscribe (&second);
    world_end ();
}
END_TEST

START_TEST (an_event_may_be_without_a_message)
{
    s_begin ();
    cf_subscription_t *first = cf_event_subscribe ("test.bare", s_on_first, NULL);
    ck_assert_int_eq (cf_event_publish ("test.bare", "", CF_NONE, NULL, 9), 0);
    world_until (heard.first == 1);
    ck_assert_uint_eq (heard.number, 9);
    ck_assert_str_eq (heard.provider, "");
    cf_event_unsubscribe (&first);
    world_end ();
}
END_TEST

UNIT_MAIN ("event", everybody_who_listens_hears_it, a_subscription_outlives_the_broker, all_may_end_within_an_event,
           a_last_value_comes_to_who_subscribes_later_and_to_who_asks_again, an_event_may_be_without_a_message)
