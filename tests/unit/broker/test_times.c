/* SPDX-License-Identifier: MPL-2.0 */
/*  times - what happens after a while, on a clock that the test moves: timers, forgotten calls, silence */

#include "broker/calls.h"
#include "tests/unit/broker/bus.h"

typedef struct {
    cf_timer_t timer;
    char name;
} alarm_t;

static char s_fired [16];

static void
s_on_alarm (void *context, cf_timer_t *timer)
{
    (void) context;
    size_t size = strlen (s_fired);
    s_fired [size] = ((alarm_t *) timer)->name;
    s_fired [size + 1] = 0;
}

START_TEST (timers_fire_in_order_and_once)
{
    cf_timers_t timers = { 0 };
    alarm_t alarms [4];
    ck_assert_int_eq (cf_timers_wait_ms (&timers), -1);
    timers.now_ms = 100;
    for (int at = 0; at < 4; at++) {
        alarms [at] = (alarm_t) { .timer.fire = s_on_alarm, .name = (char) ('a' + at) };
        ck_assert_int_eq (cf_timers_arm (&timers, &alarms [at].timer, 140 - 10 * (uint64_t) at), 0);
    }
    cf_timers_disarm (&timers, &alarms [1].timer);
    cf_timers_arm (&timers, &alarms [0].timer, 105);    /* moved */
    ck_assert_int_eq (cf_timers_wait_ms (&timers), 5);
    cf_timers_fire (&timers);
    ck_assert_str_eq (s_fired, "");
    timers.now_ms = 120;
    ck_assert_int_eq (cf_timers_wait_ms (&timers), 0);
    cf_timers_fire (&timers);
    ck_assert_str_eq (s_fired, "adc");
    ck_assert_int_eq (cf_timers_wait_ms (&timers), -1);
    cf_timers_free (&timers);
}
END_TEST

/*  The broker's classes without its loop: the test passes on what happens, and the time. */
typedef struct {
    void *context;
    cf_timers_t timers;
    cf_capture_t *capture;
    cf_registry_t *registry;
    cf_port_t *port;
    cf_calls_t *calls;
} parts_t;

static void
s_open (parts_t *self, uint32_t beat_ms)
{
    cf_error_t error;
    *self = (parts_t) { .context = zmq_ctx_new () };
    cf_timers_tick (&self->timers);
    self->registry = cf_registry_new (&self->timers, beat_ms);
    self->capture = cf_capture_new (self->context, "inproc://c", "", &error);
    self->port = cf_port_new (self->context, "inproc://b", 100, self->registry, &self->timers, self->capture, &error);
    self->calls = cf_calls_new (self->registry, self->port, &self->timers, 100, 1000);
    ck_assert (self->capture && self->port && self->calls);
}

static void
s_close (parts_t *self)
{
    cf_calls_destroy (&self->calls);
    cf_port_destroy (&self->port);
    cf_registry_destroy (&self->registry);
    cf_capture_destroy (&self->capture);
    cf_timers_free (&self->timers);
    zmq_ctx_term (self->context);
}

static cf_peer_t *
s_join (parts_t *self, const char *name, uint64_t credit, void **socket)
{
    char service [CF_ENVELOPE_NAME_SIZE];
    int none = 0, wait = BUS_WAIT_MS;
    *socket = zmq_socket (self->context, ZMQ_DEALER);
    zmq_setsockopt (*socket, ZMQ_ROUTING_ID, name, strlen (name));
    zmq_setsockopt (*socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt (*socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    ck_assert_int_eq (zmq_connect (*socket, "inproc://b"), 0);
    ck_assert_int_eq (zmq_send (*socket, "", 0, 0), 0);
    cf_port_mail_t mail;
    ck_assert_int_eq (cf_port_receive (self->port, &mail), 0);
    ck_assert_str_eq (mail.from, name);
    cf_port_close (&mail);
    cf_peer_t *peer = cf_registry_meet (self->registry, name);
    cf_envelope_service (name, service);
    ck_assert_int_eq (cf_registry_join (self->registry, peer, service, credit), 0);
    cf_registry_ready (self->registry, peer);
    return peer;
}

static void
s_pass (parts_t *self, uint64_t time_ms)
{
    self->timers.now_ms += time_ms;
    cf_timers_fire (&self->timers);
}

static void
s_call (parts_t *self, cf_peer_t *caller, uint64_t number, uint32_t deadline_ms)
{
    cf_envelope_t envelope = { .kind = CF_KIND_CALL, .call = number, .deadline_ms = deadline_ms, .to = "qa" };
    cf_calls_request (self->calls, caller, &envelope, NULL);
}

START_TEST (a_callee_that_never_answers_gets_its_credit_back)
{
    parts_t parts;
    void *edge_socket, *qa_socket;
    s_open (&parts, 1000000);
    cf_peer_t *edge = s_join (&parts, "edge.0.1", 0, &edge_socket), *qa = s_join (&parts, "qa.0.2", 1, &qa_socket);
    s_call (&parts, edge, 1, 10);
    s_call (&parts, edge, 2, 0);
    bus_hear_call (qa_socket, 1);
    s_pass (&parts, 10);
    bus_hear_failed (edge_socket, 1, CF_ERROR_TIMEOUT);
    bus_hear (qa_socket, CF_KIND_CANCEL);
    s_pass (&parts, CF_CALLS_FORGET_MS - 1);
    ck_assert_uint_eq (qa->in_flight, 1);
    s_pass (&parts, 1);
    bus_hear_call (qa_socket, 2);
    ck_assert_uint_eq (heard.envelope.deadline_ms, CF_CALLS_MAX_DEADLINE_MS - CF_CALLS_FORGET_MS - 10);
    zmq_close (edge_socket);
    zmq_close (qa_socket);
    s_close (&parts);
}
END_TEST

START_TEST (a_service_that_comes_back_in_time_keeps_its_queue)
{
    parts_t parts;
    void *edge_socket, *qa_socket;
    s_open (&parts, 1000000);
    cf_peer_t *edge = s_join (&parts, "edge.0.1", 0, &edge_socket);
    s_call (&parts, edge, 1, 5000);
    s_call (&parts, edge, 2, 5000);
    s_pass (&parts, 900);               /* of a grace of 1000 */
    cf_peer_t *qa = s_join (&parts, "qa.0.2", 1, &qa_socket);
    cf_calls_serve (parts.calls, qa);
    bus_hear_call (qa_socket, 1);
    s_pass (&parts, 3000);              /* the other one waits for credit now: the grace is no matter any more */
    cf_registry_leave (parts.registry, qa);
    cf_calls_absent (parts.calls, qa->service);
    s_pass (&parts, 999);
    s_pass (&parts, 1);
    bus_hear_failed (edge_socket, 2, CF_ERROR_NO_ACTOR);
    s_pass (&parts, 100);
    bus_hear_failed (edge_socket, 1, CF_ERROR_TIMEOUT);
    zmq_close (edge_socket);
    zmq_close (qa_socket);
    s_close (&parts);
}
END_TEST

START_TEST (three_missed_beats_doom_a_peer_unless_the_broker_slept)
{
    parts_t parts;
    void *socket;
    s_open (&parts, 1000);
    cf_peer_t *qa = s_join (&parts, "qa.0.2", 1, &socket);
    s_pass (&parts, 2999);
    ck_assert_ptr_null (cf_registry_doomed (parts.registry));
    qa->heard_ms = parts.timers.now_ms;
    s_pass (&parts, 2999);
    ck_assert_ptr_null (cf_registry_doomed (parts.registry));
    parts.timers.now_ms += 100000;
    cf_registry_forgive (parts.registry);
    s_pass (&parts, 3000);
    ck_assert_ptr_null (cf_registry_doomed (parts.registry));
    s_pass (&parts, 1);
    ck_assert_ptr_eq (cf_registry_doomed (parts.registry), qa);
    cf_calls_peer_gone (parts.calls, qa);
    cf_registry_bury (parts.registry, qa);
    cf_registry_release (parts.registry, qa);
    ck_assert_ptr_null (cf_registry_lookup (parts.registry, "qa.0.2"));
    zmq_close (socket);
    s_close (&parts);
}
END_TEST

START_TEST (names_and_topics)
{
    ck_assert (cf_registry_is_known ("store"));
    ck_assert (!cf_registry_is_known ("stor"));
    ck_assert (cf_registry_is_peer_name ("store.0.1", 9));
    ck_assert (!cf_registry_is_peer_name ("store", 5));
    ck_assert (!cf_registry_is_peer_name ("", 0));
    ck_assert (!cf_registry_is_peer_name ("a\0.b", 4));
    ck_assert (cf_registry_is_service_name ("store"));
    ck_assert (!cf_registry_is_service_name ("broker"));
    ck_assert (cf_registry_is_topic ("*", true));
    ck_assert (cf_registry_is_topic ("job.*", true));
    ck_assert (!cf_registry_is_topic ("job.*", false));
    ck_assert (!cf_registry_is_topic ("j*b", true));
    ck_assert (!cf_registry_is_topic ("**", true));
    ck_assert (!cf_registry_is_topic ("", true));
    ck_assert (!cf_registry_is_topic ("\xC3\xA4", false));
}
END_TEST

UNIT_MAIN ("times", timers_fire_in_order_and_once, a_callee_that_never_answers_gets_its_credit_back,
           a_service_that_comes_back_in_time_keeps_its_queue, three_missed_beats_doom_a_peer_unless_the_broker_slept,
           names_and_topics)
