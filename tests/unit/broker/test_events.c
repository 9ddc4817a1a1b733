/* SPDX-License-Identifier: MPL-2.0 */
/*  events - topics, prefixes, last values, what is wanted, who is there, metrics */

#include "broker/events.h"
#include "tests/unit/broker/bus.h"

static void
s_publish (void *peer, const char *topic, uint64_t number, const char *body)
{
    cf_envelope_t envelope = { .kind = CF_KIND_EVENT, .number = number, .message = body? 39: 0 };
    strcpy (envelope.to, topic);
    bus_send (peer, &envelope, body);
}

static void
s_subscribe (void *peer, const char *topic)
{
    bus_say (peer, CF_KIND_SUBSCRIBE, topic, 1);
}

START_TEST (events_go_to_their_subscribers_once)
{
    bus_t bus;
    bus_start (&bus);
    void *jobs = bus_peer (&bus, "jobs.0.1", 0), *one = bus_peer (&bus, "edge.0.2", 0), *two = bus_peer (&bus, "edge.1.3", 0);
    s_subscribe (one, "job.7");
    s_subscribe (one, "job.7");
    s_subscribe (one, "job.*");
    s_subscribe (one, "*");
    s_subscribe (two, "job.8");
    bus_quiet (one);
    bus_quiet (two);
    s_publish (jobs, "job.7", 1, "first");
    bus_quiet (jobs);
    bus_hear_event (one, "job.7", 1);
    ck_assert_str_eq (heard.body, "first");
    ck_assert_str_eq (heard.envelope.from, "jobs.0.1");
    bus_quiet (one);
    bus_quiet (two);
    s_publish (jobs, "job.8", 2, NULL);
    bus_hear_event (one, "job.8", 2);
    bus_hear_event (two, "job.8", 2);
    bus_say (one, CF_KIND_SUBSCRIBE, "job.*", 0);
    bus_say (one, CF_KIND_SUBSCRIBE, "*", 0);
    bus_say (two, CF_KIND_SUBSCRIBE, "job.8", 0);
    bus_say (two, CF_KIND_SUBSCRIBE, "job.9", 0);       /* was none */
    bus_quiet (one);
    bus_quiet (two);
    s_publish (jobs, "job.8", 3, NULL);
    s_publish (jobs, "job.7", 4, NULL);
    bus_hear_event (one, "job.7", 4);
    bus_quiet (two);
    zmq_close (jobs);
    zmq_close (one);
    zmq_close (two);
    bus_stop (&bus);
}
END_TEST

START_TEST (state_is_kept_for_who_comes_later)
{
    bus_t bus;
    bus_start (&bus);
    void *breaker = bus_peer (&bus, "breaker.0.1", 0);
    s_publish (breaker, "state.breaker.openai", 1, "closed");
    s_publish (breaker, "state.breaker.openai", 2, "open");
    s_publish (breaker, "state.breaker.google", 3, NULL);
    s_publish (breaker, "other.topic", 4, "not kept");
    bus_quiet (breaker);
    void *router = bus_peer (&bus, "router.0.2", 0), *late = bus_peer (&bus, "router.0.3", 0);
    s_subscribe (router, "state.breaker.openai");
    bus_hear_event (router, "state.breaker.openai", 2);
    ck_assert_str_eq (heard.body, "open");
    ck_assert_str_eq (heard.envelope.from, "breaker.0.1");
    s_subscribe (router, "other.topic");
    bus_quiet (router);
    s_subscribe (late, "state.breaker.*");
    bus_hear (late, CF_KIND_EVENT);
    bus_hear (late, CF_KIND_EVENT);
    bus_quiet (late);
    s_publish (breaker, "state.breaker.openai", 5, "closed");
    bus_hear_event (router, "state.breaker.openai", 5);
    bus_hear_event (late, "state.breaker.openai", 5);
    s_subscribe (router, "state.breaker.openai");       /* again, as after a new connection: it may have missed one */
    bus_hear_event (router, "state.breaker.openai", 5);
    ck_assert_str_eq (heard.body, "closed");
    zmq_close (breaker);
    zmq_close (router);
    zmq_close (late);
    bus_stop (&bus);
}
END_TEST

START_TEST (too_large_a_state_is_passed_on_and_not_kept)
{
    bus_t bus;
    bus_start (&bus);
    void *breaker = bus_peer (&bus, "breaker.0.1", 0), *router = bus_peer (&bus, "router.0.2", 0);
    s_publish (breaker, "state.x", 1, "small");
    bus_quiet (breaker);
    s_subscribe (router, "state.x");
    bus_hear_event (router, "state.x", 1);
    char *large = malloc (CF_EVENTS_MAX_VALUE_BYTES + 2);
    memset (large, 'x', CF_EVENTS_MAX_VALUE_BYTES + 1);
    large [CF_EVENTS_MAX_VALUE_BYTES + 1] = 0;
    s_publish (breaker, "state.x", 2, large);
    bus_hear_event (router, "state.x", 2);
    ck_assert_uint_eq (heard.body_size, CF_EVENTS_MAX_VALUE_BYTES + 1);
    s_subscribe (router, "state.x");
    bus_quiet (router);                 /* and the outdated one is not handed out either */
    free (large);
    zmq_close (breaker);
    zmq_close (router);
    bus_stop (&bus);
}
END_TEST

START_TEST (kept_states_are_bounded)
{
    bus_t bus;
    bus_init (&bus);
    bus.options.hwm = 100000;
    bus_run (&bus);
    void *breaker = bus_peer (&bus, "breaker.0.1", 0);
    char topic [32];
    for (unsigned at = 0; at < CF_EVENTS_MAX_VALUES + 100; at++) {
        snprintf (topic, sizeof topic, "state.many.%u", at);
        s_publish (breaker, topic, 1, NULL);
        if (at % 500 == 0)
            bus_quiet (breaker);
    }
    bus_quiet (breaker);
    void *router = bus_peer (&bus, "router.0.2", 0);
    s_subscribe (router, "state.many.*");
    for (unsigned at = 0; at < CF_EVENTS_MAX_VALUES; at++)
        bus_hear (router, CF_KIND_EVENT);
    bus_quiet (router);
    zmq_close (breaker);
    zmq_close (router);
    bus_stop (&bus);
}
END_TEST

START_TEST (subscriptions_are_bounded)
{
    bus_t bus;
    bus_start (&bus);
    void *edge = bus_peer (&bus, "edge.0.1", 0);
    char topic [32];
    for (unsigned at = 0; at < CF_EVENTS_MAX_PER_PEER; at++) {
        snprintf (topic, sizeof topic, "job.%u", at);
        s_subscribe (edge, topic);
        if (at % 500 == 0)
            bus_quiet (edge);
    }
    s_subscribe (edge, "job.one-too-many");
    bus_quiet (edge);
    s_publish (edge, "job.one-too-many", 1, NULL);
    s_publish (edge, "job.19999", 2, NULL);
    bus_hear_event (edge, "job.19999", 2);
    bus_say (edge, CF_KIND_SUBSCRIBE, "job.0", 0);
    s_subscribe (edge, "job.one-too-many");
    s_publish (edge, "job.one-too-many", 3, NULL);
    bus_hear_event (edge, "job.one-too-many", 3);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (tokens_are_announced_while_wanted)
{
    bus_t bus;
    bus_start (&bus);
    void *router = bus_peer (&bus, "router.0.1", 0), *one = bus_peer (&bus, "edge.0.2", 0), *two = bus_peer (&bus, "edge.1.3", 0);
    void *supervisor = bus_peer (&bus, "supervisor.0.9", 0);
    s_subscribe (router, "wanted.*");
    bus_quiet (router);
    s_subscribe (one, "tokens.7");
    bus_hear_event (router, "wanted.tokens.7", 1);
    ck_assert_str_eq (heard.envelope.from, "broker");
    s_subscribe (two, "tokens.7");
    s_subscribe (two, "job.7");
    bus_quiet (two);
    bus_quiet (router);
    s_publish (router, "tokens.7", 1, "to");
    bus_hear_event (one, "tokens.7", 1);
    bus_hear_event (two, "tokens.7", 1);
    void *late = bus_peer (&bus, "router.0.4", 0);      /* a router that starts anew is told */
    s_subscribe (late, "wanted.*");
    bus_hear_event (late, "wanted.tokens.7", 1);
    bus_say (one, CF_KIND_SUBSCRIBE, "tokens.7", 0);
    bus_quiet (one);
    bus_quiet (router);
    bus_say (supervisor, CF_KIND_GONE, "edge.1.3", 0);  /* the last one dies */
    bus_hear_event (router, "wanted.tokens.7", 0);
    bus_hear_event (late, "wanted.tokens.7", 0);
    s_subscribe (late, "wanted.tokens.7");
    bus_quiet (late);
    zmq_close (router);
    zmq_close (late);
    zmq_close (one);
    zmq_close (two);
    zmq_close (supervisor);
    bus_stop (&bus);
}
END_TEST

START_TEST (presence_is_a_state)
{
    bus_t bus;
    bus_start (&bus);
    void *watcher = bus_peer (&bus, "jobs.0.1", 0), *supervisor = bus_peer (&bus, "supervisor.0.9", 0);
    s_subscribe (watcher, "state.peer.*");
    bus_quiet (watcher);
    void *qa = bus_peer (&bus, "qa.0.2", 1);
    bus_hear_event (watcher, "state.peer.qa.0.2", 1);
    ck_assert_str_eq (heard.envelope.from, "broker");
    bus_say (qa, CF_KIND_BYE, "", 0);
    bus_hear_event (watcher, "state.peer.qa.0.2", 2);
    s_subscribe (supervisor, "state.peer.qa.0.2");
    bus_hear_event (supervisor, "state.peer.qa.0.2", 2);
    bus_say (supervisor, CF_KIND_GONE, "qa.0.2", 0);
    bus_hear_event (watcher, "state.peer.qa.0.2", 0);
    bus_hear_event (supervisor, "state.peer.qa.0.2", 0);
    s_subscribe (supervisor, "state.peer.*");           /* the dead are not remembered */
    bus_quiet (supervisor);
    zmq_close (qa);
    zmq_close (watcher);
    zmq_close (supervisor);
    bus_stop (&bus);
}
END_TEST

START_TEST (topics_of_the_brokers_own_are_refused)
{
    bus_t bus;
    bus_start (&bus);
    void *watcher = bus_peer (&bus, "jobs.0.1", 0), *liar = bus_peer (&bus, "qa.0.2", 0);
    s_subscribe (watcher, "*");
    bus_quiet (watcher);
    s_publish (liar, "state.peer.store.0.1", 0, NULL);
    s_publish (liar, "state.metrics.store.0.1", 0, NULL);
    s_publish (liar, "wanted.tokens.1", 1, NULL);
    s_publish (liar, "job.*", 1, NULL);
    s_publish (liar, "", 1, NULL);
    s_publish (liar, "job 1", 1, NULL);
    bus_quiet (liar);
    bus_quiet (watcher);
    zmq_close (liar);
    zmq_close (watcher);
    bus_stop (&bus);
}
END_TEST

START_TEST (metrics_are_passed_on_while_somebody_listens)
{
    bus_t bus;
    bus_init (&bus);
    bus.options.metrics_ms = 10;
    bus_run (&bus);
    void *watcher = bus_peer (&bus, "observer.0.1", 0), *qa = bus_peer (&bus, "qa.0.2", 0);
    cf_envelope_t beat = { .kind = CF_KIND_BEAT, .message = 1, .number = 5 };
    bus_send (qa, &beat, "metrics");
    bus_quiet (qa);
    s_subscribe (watcher, "state.metrics.qa.0.2");
    bus_quiet (watcher);                /* not kept */
    bus_send (qa, &beat, "metrics");
    bus_hear_event (watcher, "state.metrics.qa.0.2", 5);
    ck_assert_uint_eq (heard.envelope.message, 1);
    ck_assert_str_eq (heard.body, "metrics");
    bus_say (qa, CF_KIND_BEAT, "", 6);  /* a beat without metrics is one, too */
    bus_quiet (qa);
    s_subscribe (watcher, "state.metrics.broker");
    bus_hear_event (watcher, "state.metrics.broker", 0);
    ck_assert_uint_eq (heard.envelope.message, 1);
    ck_assert_int_eq ((unsigned char) heard.body [0], 0x91);
    ck_assert_ptr_nonnull (strstr (heard.body, "\"broker_messages_total\":"));
    zmq_close (qa);
    zmq_close (watcher);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_new_connection_starts_without_subscriptions)
{
    bus_t bus;
    bus_start (&bus);
    void *edge = bus_peer (&bus, "edge.0.1", 0), *jobs = bus_peer (&bus, "jobs.0.2", 0);
    s_subscribe (edge, "job.7");
    bus_quiet (edge);
    zmq_close (edge);
    edge = bus_peer (&bus, "edge.0.1", 0);
    s_publish (jobs, "job.7", 1, NULL);
    bus_quiet (jobs);
    bus_quiet (edge);
    zmq_close (edge);
    zmq_close (jobs);
    bus_stop (&bus);
}
END_TEST

UNIT_MAIN ("events", events_go_to_their_subscribers_once, state_is_kept_for_who_comes_later,
           too_large_a_state_is_passed_on_and_not_kept, kept_states_are_bounded, subscriptions_are_bounded,
           tokens_are_announced_while_wanted, presence_is_a_state, topics_of_the_brokers_own_are_refused,
           metrics_are_passed_on_while_somebody_listens, a_new_connection_starts_without_subscriptions)
