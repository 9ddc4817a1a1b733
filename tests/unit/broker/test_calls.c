/* SPDX-License-Identifier: MPL-2.0 */
/*  calls - each ends in exactly one REPLY or FAILED, whoever dies */

#include "tests/unit/broker/bus.h"

START_TEST (a_call_goes_there_and_back)
{
    bus_t bus;
    bus_start (&bus);
    void *store = bus_peer (&bus, "store.0.1", 10), *edge = bus_peer (&bus, "edge.0.2", 0);
    cf_envelope_t envelope = { .kind = CF_KIND_CALL, .message = 30, .call = 7, .deadline_ms = 5000, .to = "store",
                               .from = "jobs.0.9", .job = BUS_USER_A, .user = BUS_USER_B, .request = "r-1", .attempt = 3,
                               .trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", .sent_us = 5 };
    bus_send (edge, &envelope, "body");
    bus_hear_call (store, 7);
    ck_assert_str_eq (heard.envelope.from, "edge.0.2");         /* not what the peer said */
    ck_assert_str_eq (heard.envelope.to, "store");
    ck_assert_str_eq (heard.envelope.job, BUS_USER_A);
    ck_assert_str_eq (heard.envelope.user, BUS_USER_B);
    ck_assert_str_eq (heard.envelope.request, "r-1");
    ck_assert_str_eq (heard.envelope.trace, envelope.trace);
    ck_assert_uint_eq (heard.envelope.attempt, 3);
    ck_assert_uint_eq (heard.envelope.sent_us, 5);
    ck_assert_uint_gt (heard.envelope.routed_us, 5);
    ck_assert_uint_le (heard.envelope.deadline_ms, 5000);
    ck_assert_uint_gt (heard.envelope.deadline_ms, 0);
    ck_assert_str_eq (heard.body, "body");
    bus_reply (store, "edge.0.2", 7);
    bus_hear_reply (edge, 7, "store.0.1");
    bus_quiet (store);
    bus_quiet (edge);
    zmq_close (edge);
    zmq_close (store);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_callees_failure_is_passed_on)
{
    bus_t bus;
    bus_start (&bus);
    void *store = bus_peer (&bus, "store.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    for (uint64_t call = 1; call <= 2; call++) {
        bus_call (edge, "store", call);
        bus_hear_call (store, call);
        cf_envelope_t envelope = { .kind = CF_KIND_FAILED, .message = 2, .call = call, .to = "edge.0.2",
                                   .number = CF_ERROR_NOT_FOUND };
        bus_send (store, &envelope, "why");
        bus_hear (edge, CF_KIND_FAILED);
        ck_assert_uint_eq (heard.envelope.number, CF_ERROR_NOT_FOUND);
        ck_assert_str_eq (heard.envelope.from, "store.0.1");
        ck_assert_str_eq (heard.body, "why");
    }
    zmq_close (edge);
    zmq_close (store);
    bus_stop (&bus);
}
END_TEST

START_TEST (large_bodies_pass_through_queue_and_wire)
{
    bus_t bus;
    bus_start (&bus);
    void *edge = bus_peer (&bus, "edge.0.2", 0);
    char *body = malloc (60001);
    memset (body, 'x', 60000);
    body [60000] = 0;
    cf_envelope_t envelope = { .kind = CF_KIND_CALL, .message = 30, .call = 1, .to = "store" };
    bus_send (edge, &envelope, body);
    bus_quiet (edge);
    void *store = bus_peer (&bus, "store.0.1", 0);
    bus_say (store, CF_KIND_HELLO, "store", 1);
    bus_say (store, CF_KIND_READY, "", 0);
    bus_hear_call (store, 1);
    ck_assert_uint_eq (heard.body_size, 60000);
    ck_assert_int_eq (memcmp (heard.body, body, 60000), 0);
    ck_assert_uint_gt (heard.envelope.deadline_ms, 3590000);    /* named none: an hour */
    free (body);
    zmq_close (edge);
    zmq_close (store);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_deadline_ends_the_call_and_tells_the_callee)
{
    bus_t bus;
    bus_start (&bus);
    void *store = bus_peer (&bus, "store.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_call_as (edge, "store", 1, 30, "", 0);
    bus_hear_call (store, 1);
    bus_call_as (edge, "store", 2, 20, "", 0);          /* no credit: it ends in the queue */
    bus_hear_failed (edge, 2, CF_ERROR_TIMEOUT);
    bus_hear_failed (edge, 1, CF_ERROR_TIMEOUT);
    bus_hear (store, CF_KIND_CANCEL);
    ck_assert_uint_eq (heard.envelope.call, 1);
    ck_assert_str_eq (heard.envelope.from, "edge.0.2");
    bus_call (edge, "store", 3);                        /* waits: the callee still owes its answer */
    bus_quiet (edge);
    bus_quiet (store);
    bus_reply (store, "edge.0.2", 1);                   /* too late for the caller, but it frees the credit */
    bus_hear_call (store, 3);
    bus_quiet (edge);
    bus_call_as (edge, "store", 1, 30, "", 0);          /* a number that is free again */
    bus_hear_failed (edge, 1, CF_ERROR_TIMEOUT);
    zmq_close (edge);
    zmq_close (store);
    bus_stop (&bus);
}
END_TEST

START_TEST (credit_holds_the_rest_back)
{
    bus_t bus;
    bus_start (&bus);
    void *store = bus_peer (&bus, "store.0.1", 2), *edge = bus_peer (&bus, "edge.0.2", 0);
    for (uint64_t call = 1; call <= 5; call++)
        bus_call (edge, "store", call);
    bus_quiet (edge);
    bus_hear_call (store, 1);
    bus_hear_call (store, 2);
    bus_quiet (store);
    for (uint64_t call = 1; call <= 3; call++) {
        bus_reply (store, "edge.0.2", call);
        bus_hear_reply (edge, call, "store.0.1");
        bus_hear_call (store, call + 2);
        bus_quiet (store);
    }
    zmq_close (edge);
    zmq_close (store);
    bus_stop (&bus);
}
END_TEST

START_TEST (the_least_loaded_instance_is_taken)
{
    bus_t bus;
    bus_start (&bus);
    void *one = bus_peer (&bus, "qa.0.1", 10), *two = bus_peer (&bus, "qa.1.2", 10), *edge = bus_peer (&bus, "edge.0.3", 0);
    bus_call (edge, "qa", 1);
    bus_call (edge, "qa", 2);
    bus_call (edge, "qa", 3);
    bus_hear_call (one, 1);
    bus_hear_call (two, 2);
    bus_hear_call (one, 3);
    bus_call (edge, "qa", 4);
    bus_hear_call (two, 4);
    bus_reply (one, "edge.0.3", 1);
    bus_reply (one, "edge.0.3", 3);
    bus_hear_reply (edge, 1, "qa.0.1");
    bus_hear_reply (edge, 3, "qa.0.1");
    bus_call (edge, "qa", 5);
    bus_hear_call (one, 5);
    zmq_close (edge);
    zmq_close (one);
    zmq_close (two);
    bus_stop (&bus);
}
END_TEST

START_TEST (the_queue_is_fair_and_knows_priority)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_call (edge, "qa", 100);
    bus_hear_call (qa, 100);
    for (uint64_t call = 1; call <= 3; call++)
        bus_call_as (edge, "qa", call, 60000, BUS_USER_A, 0);
    bus_call_as (edge, "qa", 4, 60000, BUS_USER_B, 0);
    bus_call_as (edge, "qa", 5, 60000, BUS_USER_A, 9);
    bus_quiet (edge);
    uint64_t order [] = { 100, 5, 1, 4, 2, 3 };
    for (int at = 0; at < 5; at++) {
        bus_reply (qa, "edge.0.2", order [at]);
        bus_hear_reply (edge, order [at], "qa.0.1");
        bus_hear_call (qa, order [at + 1]);
    }
    zmq_close (edge);
    zmq_close (qa);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_full_queue_says_busy)
{
    bus_t bus;
    bus_init (&bus);
    bus.options.queue_max = 2;
    bus_run (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    for (uint64_t call = 1; call <= 4; call++)
        bus_call (edge, "qa", call);
    bus_hear_failed (edge, 4, CF_ERROR_BUSY);
    bus_hear_call (qa, 1);
    bus_reply (qa, "edge.0.2", 1);
    bus_hear_reply (edge, 1, "qa.0.1");
    bus_call (edge, "qa", 5);
    bus_quiet (edge);
    bus_hear_call (qa, 2);
    zmq_close (edge);
    zmq_close (qa);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_service_nobody_knows_fails_at_once)
{
    bus_t bus;
    bus_init (&bus);
    bus.options.grace_ms = 1;           /* the time after the start in which anybody may yet come is over soon */
    bus_run (&bus);
    void *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_call (edge, "nosuch", 1);
    bus_hear_failed (edge, 1, CF_ERROR_NO_ACTOR);
    bus_call (edge, "store.0.99", 2);
    bus_hear_failed (edge, 2, CF_ERROR_NO_ACTOR);
    bus_call (edge, "broker", 3);
    bus_hear_failed (edge, 3, CF_ERROR_NO_ACTOR);
    bus_call (edge, "store", 4);        /* known, but not there within the grace */
    bus_hear_failed (edge, 4, CF_ERROR_NO_ACTOR);
    void *cli = bus_peer (&bus, "cli.0.3", 5);
    bus_call (edge, "cli", 5);          /* known because it is there */
    bus_hear_call (cli, 5);
    zmq_close (cli);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (calls_wait_for_a_known_service)
{
    bus_t bus;
    bus_start (&bus);
    void *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_call (edge, "store", 1);
    bus_call_as (edge, "store", 2, 20, "", 0);
    bus_call (edge, "store.0.1", 3);                    /* that very process; held, since the broker is young */
    bus_hear_failed (edge, 2, CF_ERROR_TIMEOUT);
    void *store = bus_dealer (&bus, "store.0.1");
    bus_hear (store, CF_KIND_WELCOME);
    bus_say (store, CF_KIND_HELLO, "store", 5);
    bus_quiet (store);                                  /* not before READY */
    bus_say (store, CF_KIND_READY, "", 0);
    bus_hear_call (store, 3);
    bus_hear_call (store, 1);
    zmq_close (store);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (the_grace_starts_when_the_last_instance_leaves)
{
    bus_t bus;
    bus_init (&bus);
    bus.options.grace_ms = 30;
    bus_run (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_call (edge, "qa", 1);
    bus_hear_call (qa, 1);
    bus_call (edge, "qa", 2);           /* waits for credit, as long as it takes */
    bus_quiet (edge);
    bus_say (qa, CF_KIND_BYE, "", 0);
    bus_hear_failed (edge, 2, CF_ERROR_NO_ACTOR);
    bus_reply (qa, "edge.0.2", 1);      /* what it has it finishes */
    bus_hear_reply (edge, 1, "qa.0.1");
    bus_call (edge, "qa.0.1", 3);       /* and it can be spoken to: a job may have to be stopped */
    bus_hear_call (qa, 3);
    zmq_close (qa);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_call_to_a_peer_goes_to_it_alone)
{
    bus_t bus;
    bus_start (&bus);
    void *one = bus_peer (&bus, "qa.0.1", 1), *two = bus_peer (&bus, "qa.1.2", 1), *edge = bus_peer (&bus, "edge.0.3", 0);
    bus_call (edge, "qa.1.2", 1);
    bus_call (edge, "qa.1.2", 2);       /* beyond its credit: it is meant for nobody else */
    bus_hear_call (two, 1);
    bus_hear_call (two, 2);
    bus_call (edge, "qa", 3);
    bus_hear_call (one, 3);
    bus_quiet (two);
    zmq_close (one);
    zmq_close (two);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (cancel_reaches_queue_and_callee)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_call (edge, "qa", 1);
    bus_call (edge, "qa", 2);
    bus_call (edge, "qa", 3);
    bus_hear_call (qa, 1);
    cf_envelope_t cancel = { .kind = CF_KIND_CANCEL, .call = 2, .to = "qa" };
    bus_send (edge, &cancel, NULL);
    bus_hear_failed (edge, 2, CF_ERROR_CANCELLED);
    cancel.call = 1;
    bus_send (edge, &cancel, NULL);
    bus_hear_failed (edge, 1, CF_ERROR_CANCELLED);
    bus_hear (qa, CF_KIND_CANCEL);
    ck_assert_uint_eq (heard.envelope.call, 1);
    ck_assert_str_eq (heard.envelope.from, "edge.0.2");
    bus_send (edge, &cancel, NULL);     /* again: nothing more to say */
    bus_quiet (edge);
    bus_quiet (qa);
    bus_call (edge, "qa", 1);           /* sent again, since the caller did not hear of the end */
    bus_hear_failed (edge, 1, CF_ERROR_CANCELLED);
    cf_envelope_t answer = { .kind = CF_KIND_FAILED, .call = 1, .to = "edge.0.2", .number = CF_ERROR_CANCELLED };
    bus_send (qa, &answer, NULL);
    bus_hear_call (qa, 3);
    bus_quiet (edge);                   /* one end is enough */
    zmq_close (qa);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (cancel_of_a_call_from_before_a_restart_is_passed_on)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    cf_envelope_t cancel = { .kind = CF_KIND_CANCEL, .call = 2, .to = "qa" };
    bus_send (edge, &cancel, NULL);
    bus_hear (qa, CF_KIND_CANCEL);
    strcpy (cancel.to, "qa.0.1");
    bus_send (edge, &cancel, NULL);
    bus_hear (qa, CF_KIND_CANCEL);
    ck_assert_str_eq (heard.envelope.from, "edge.0.2");
    zmq_close (qa);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_callee_that_dies_fails_its_calls_at_once)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    void *supervisor = bus_peer (&bus, "supervisor.0.3", 0);
    bus_call (edge, "qa", 1);
    bus_hear_call (qa, 1);
    bus_call (edge, "qa", 2);
    bus_quiet (edge);
    bus_say (edge, CF_KIND_GONE, "qa.0.1", 0);          /* not its to say */
    bus_quiet (edge);
    bus_say (supervisor, CF_KIND_GONE, "qa.0.1", 0);
    bus_say (supervisor, CF_KIND_GONE, "qa.0.77", 0);   /* nobody */
    bus_hear_failed (edge, 1, CF_ERROR_ACTOR_GONE);
    void *next = bus_peer (&bus, "qa.0.4", 0);
    bus_say (next, CF_KIND_HELLO, "qa", 1);
    bus_say (next, CF_KIND_READY, "", 0);
    bus_hear_call (next, 2);                            /* what waited goes to the next instance */
    bus_call (edge, "qa", 1);                           /* and what failed may be sent again */
    bus_quiet (edge);
    bus_reply (next, "edge.0.2", 2);
    bus_hear_reply (edge, 2, "qa.0.4");
    bus_hear_call (next, 1);
    zmq_close (qa);
    zmq_close (next);
    zmq_close (edge);
    zmq_close (supervisor);
    bus_stop (&bus);
}
END_TEST

START_TEST (processes_come_and_go)
{
    bus_t bus;
    bus_start (&bus);
    void *supervisor = bus_peer (&bus, "supervisor.0.3", 0);
    for (int round = 0; round < 50; round++) {
        char name [32];
        snprintf (name, sizeof name, "qa.0.%d", 100 + round);
        void *qa = bus_peer (&bus, name, 1), *edge = bus_peer (&bus, "edge.0.2", 0);
        bus_call (edge, "qa", 1);
        bus_hear_call (qa, 1);
        bus_reply (qa, "edge.0.2", 1);
        bus_hear_reply (edge, 1, name);
        bus_say (supervisor, CF_KIND_GONE, name, 0);
        bus_quiet (supervisor);
        zmq_close (qa);
        bus_quiet (edge);
        zmq_close (edge);
    }
    zmq_close (supervisor);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_callee_that_falls_silent_is_gone)
{
    bus_t bus;
    bus_init (&bus);
    bus.options.beat_ms = 50;
    bus_run (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_say (edge, CF_KIND_SUBSCRIBE, "state.peer.qa.0.1", 1);
    bus_hear_event (edge, "state.peer.qa.0.1", 1);
    bus_call (edge, "qa", 1);
    bus_hear_call (qa, 1);
    int wait = 20;
    zmq_setsockopt (edge, ZMQ_RCVTIMEO, &wait, sizeof wait);
    uint64_t since = cf_clock_ms ();
    bool failed = false, gone = false;
    while (!failed || !gone) {
        ck_assert_uint_lt (cf_clock_ms () - since, BUS_WAIT_MS);
        bus_say (edge, CF_KIND_BEAT, "", 0);            /* signs of life of the one, none of the other */
        if (!bus_hear_any (edge))
            continue;
        failed = failed || (heard.envelope.kind == CF_KIND_FAILED && heard.envelope.number == CF_ERROR_ACTOR_GONE);
        gone = gone || (heard.envelope.kind == CF_KIND_EVENT && heard.envelope.number == 0);
    }
    bus_say (qa, CF_KIND_BEAT, "", 0);                  /* it was only asleep */
    bus_hear (qa, CF_KIND_WELCOME);
    bus_say (qa, CF_KIND_HELLO, "qa", 1);
    bus_say (qa, CF_KIND_READY, "", 0);
    bus_call (edge, "qa", 2);
    bus_hear_call (qa, 2);
    zmq_close (qa);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_caller_that_dies_has_its_calls_cancelled)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0), *other = bus_peer (&bus, "edge.1.4", 0);
    void *supervisor = bus_peer (&bus, "supervisor.0.3", 0);
    bus_call (edge, "qa", 1);
    bus_hear_call (qa, 1);
    bus_call (edge, "qa", 2);
    bus_quiet (edge);
    bus_call (other, "qa", 3);
    bus_quiet (other);
    bus_say (supervisor, CF_KIND_GONE, "edge.0.2", 0);
    bus_hear (qa, CF_KIND_CANCEL);
    ck_assert_uint_eq (heard.envelope.call, 1);
    cf_envelope_t answer = { .kind = CF_KIND_FAILED, .call = 1, .to = "edge.0.2", .number = CF_ERROR_CANCELLED };
    bus_send (qa, &answer, NULL);
    bus_hear_call (qa, 3);              /* the queued one of the dead is not handed over */
    zmq_close (qa);
    zmq_close (edge);
    zmq_close (other);
    zmq_close (supervisor);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_caller_back_from_the_dead_hears_that_its_call_was_cancelled)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 2), *edge = bus_peer (&bus, "edge.0.2", 0);
    void *supervisor = bus_peer (&bus, "supervisor.0.3", 0);
    bus_call (edge, "qa", 1);
    bus_hear_call (qa, 1);
    bus_say (supervisor, CF_KIND_GONE, "edge.0.2", 0);
    bus_hear (qa, CF_KIND_CANCEL);
    bus_call (edge, "qa", 1);
    bus_hear (edge, CF_KIND_WELCOME);
    bus_say (edge, CF_KIND_HELLO, "edge", 0);
    bus_call (edge, "qa", 1);
    bus_hear_failed (edge, 1, CF_ERROR_CANCELLED);
    bus_quiet (qa);
    zmq_close (qa);
    zmq_close (edge);
    zmq_close (supervisor);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_call_sent_twice_is_handed_over_once)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0), *other = bus_peer (&bus, "edge.1.3", 0);
    bus_call (edge, "qa", 1);
    bus_call (edge, "qa", 1);
    bus_call (edge, "qa", 2);
    bus_call (edge, "qa", 2);
    bus_quiet (edge);
    bus_hear_call (qa, 1);
    bus_quiet (qa);
    bus_reply (qa, "edge.0.2", 1);
    bus_hear_reply (edge, 1, "qa.0.1");
    bus_hear_call (qa, 2);
    bus_reply (qa, "edge.0.2", 2);
    bus_hear_reply (edge, 2, "qa.0.1");
    bus_call (other, "qa", 1);          /* numbers are each caller's own */
    bus_hear_call (qa, 1);
    ck_assert_str_eq (heard.envelope.from, "edge.1.3");
    bus_quiet (qa);
    bus_quiet (edge);
    zmq_close (qa);
    zmq_close (edge);
    zmq_close (other);
    bus_stop (&bus);
}
END_TEST

START_TEST (only_the_callee_can_answer)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0), *other = bus_peer (&bus, "store.0.3", 1);
    bus_call (edge, "qa", 1);
    bus_hear_call (qa, 1);
    bus_reply (other, "edge.0.2", 1);
    bus_quiet (other);
    bus_quiet (edge);
    bus_reply (qa, "edge.0.2", 1);
    bus_hear_reply (edge, 1, "qa.0.1");
    bus_reply (qa, "nobody.0.0", 1);
    bus_quiet (qa);
    zmq_close (qa);
    zmq_close (edge);
    zmq_close (other);
    bus_stop (&bus);
}
END_TEST

/*  Says HELLO again to a new broker. */
static void
s_rejoin (void *peer, const char *service, uint64_t credit)
{
    bus_hear (peer, CF_KIND_WELCOME);
    bus_say (peer, CF_KIND_HELLO, service, credit);
}

START_TEST (calls_outlive_the_broker)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_call (edge, "qa", 1);
    bus_hear_call (qa, 1);
    bus_call (edge, "qa", 2);
    bus_quiet (edge);
    bus_halt (&bus);
    bus_run (&bus);
    s_rejoin (edge, "edge", 0);
    bus_call (edge, "qa", 1);
    bus_call (edge, "qa", 2);
    bus_quiet (edge);
    bus_hear (qa, CF_KIND_WELCOME);
    bus_reply (qa, "edge.0.2", 1);      /* finished meanwhile, said before anything else: it counts */
    bus_hear_reply (edge, 1, "qa.0.1");
    bus_say (qa, CF_KIND_HELLO, "qa", 1);
    bus_say (qa, CF_KIND_READY, "", 0);
    bus_hear_any (qa);
    if (heard.envelope.kind == CF_KIND_CALL && heard.envelope.call == 1) {
        bus_reply (qa, "edge.0.2", 1);  /* answered from what it has */
        bus_hear_reply (edge, 1, "qa.0.1");
        bus_hear_any (qa);
    }
    ck_assert_int_eq (heard.envelope.kind, CF_KIND_CALL);
    ck_assert_uint_eq (heard.envelope.call, 2);
    bus_reply (qa, "edge.0.2", 2);
    bus_hear_reply (edge, 2, "qa.0.1");
    zmq_close (qa);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (an_answer_frees_the_queue_of_its_own_service_after_a_restart)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_call (edge, "qa", 10);
    bus_hear_call (qa, 10);
    bus_call (edge, "qa", 11);          /* waits for credit; the callee has it from an earlier broker */
    bus_quiet (edge);
    bus_reply (qa, "edge.0.2", 11);
    bus_hear_reply (edge, 11, "qa.0.1");
    bus_reply (qa, "edge.0.2", 10);
    bus_hear_reply (edge, 10, "qa.0.1");
    bus_quiet (qa);
    zmq_close (qa);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (a_new_connection_of_the_callee_ends_what_may_be_lost)
{
    bus_t bus;
    bus_start (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_call (edge, "qa", 1);
    bus_hear_call (qa, 1);
    zmq_close (qa);
    qa = bus_dealer (&bus, "qa.0.1");   /* the same process, and before anybody said that it was gone */
    bus_hear (qa, CF_KIND_CANCEL);      /* it may have the call after all */
    ck_assert_uint_eq (heard.envelope.call, 1);
    bus_hear (qa, CF_KIND_WELCOME);
    bus_hear_failed (edge, 1, CF_ERROR_ACTOR_GONE);
    zmq_close (qa);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

/*  A callee that does not read: its pipe fills, its calls stay in the queue, and nobody else suffers. */
START_TEST (a_full_pipe_holds_calls_in_the_queue)
{
    enum { COUNT = 300 };
    bus_t bus;
    bus_init (&bus);
    bus.options.hwm = 2;
    bus.options.queue_max = COUNT;
    bus_run (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", COUNT), *edge = bus_peer (&bus, "edge.0.2", 0), *store = bus_peer (&bus, "store.0.3", 1);
    char *body = malloc (8192);
    memset (body, 'x', 8191);
    body [8191] = 0;
    cf_envelope_t envelope = { .kind = CF_KIND_CALL, .message = 30, .to = "qa", .deadline_ms = 60000 };
    for (envelope.call = 1; envelope.call <= COUNT; envelope.call++)
        bus_send (edge, &envelope, body);
    bus_quiet (edge);
    bus_call (edge, "store", 9999);
    bus_hear_call (store, 9999);
    bus_reply (store, "edge.0.2", 9999);
    bus_hear_reply (edge, 9999, "store.0.3");
    for (uint64_t call = 1; call <= COUNT; call++)
        bus_hear_call (qa, call);
    free (body);
    zmq_close (qa);
    zmq_close (edge);
    zmq_close (store);
    bus_stop (&bus);
}
END_TEST

/*  A caller that does not read its answers gets them once it does, within the bound. */
START_TEST (answers_wait_for_a_caller_with_a_full_pipe)
{
    enum { COUNT = 300 };
    bus_t bus;
    bus_init (&bus);
    bus.options.hwm = 2;
    bus_run (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", COUNT), *edge = bus_peer (&bus, "edge.0.2", 0);
    for (uint64_t call = 1; call <= COUNT; call++)
        bus_call (edge, "qa", call);
    char *body = malloc (8192);
    memset (body, 'x', 8191);
    body [8191] = 0;
    cf_envelope_t answer = { .kind = CF_KIND_REPLY, .message = 31, .to = "edge.0.2" };
    for (answer.call = 1; answer.call <= COUNT; answer.call++) {
        bus_hear_call (qa, answer.call);
        bus_send (qa, &answer, body);
    }
    for (uint64_t call = 1; call <= COUNT; call++) {
        bus_hear (edge, CF_KIND_REPLY);
        ck_assert_uint_eq (heard.envelope.call, call);
    }
    free (body);
    zmq_close (qa);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

START_TEST (calls_to_a_peer_are_bounded_too)
{
    bus_t bus;
    bus_init (&bus);
    bus.options.queue_max = 2;
    bus_run (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 1), *edge = bus_peer (&bus, "edge.0.2", 0);
    for (uint64_t call = 1; call <= 4; call++)
        bus_call (edge, "qa.0.1", call);
    bus_hear_failed (edge, 4, CF_ERROR_BUSY);
    for (uint64_t call = 1; call <= 3; call++)
        bus_hear_call (qa, call);
    bus_quiet (qa);
    zmq_close (qa);
    zmq_close (edge);
    bus_stop (&bus);
}
END_TEST

/*  Two callers that read nothing: one dies, the other one is still there when the broker stops. */
START_TEST (answers_for_the_dead_are_dropped)
{
    enum { COUNT = 200 };
    bus_t bus;
    bus_init (&bus);
    bus.options.hwm = 2;
    bus_run (&bus);
    void *qa = bus_peer (&bus, "qa.0.1", 2 * COUNT), *supervisor = bus_peer (&bus, "supervisor.0.4", 0);
    void *edges [2] = { bus_peer (&bus, "edge.0.2", 0), bus_peer (&bus, "edge.1.3", 0) };
    for (uint64_t call = 1; call <= COUNT; call++)
        for (int at = 0; at < 2; at++)
            bus_call (edges [at], "qa", call);
    char *body = malloc (8192);
    memset (body, 'x', 8191);
    body [8191] = 0;
    for (int at = 0; at < 2 * COUNT; at++) {
        bus_hear (qa, CF_KIND_CALL);
        cf_envelope_t answer = { .kind = CF_KIND_REPLY, .message = 31, .call = heard.envelope.call };
        strcpy (answer.to, heard.envelope.from);
        bus_send (qa, &answer, body);
    }
    bus_quiet (qa);
    bus_say (supervisor, CF_KIND_GONE, "edge.0.2", 0);
    bus_quiet (supervisor);
    free (body);
    zmq_close (qa);
    zmq_close (supervisor);
    zmq_close (edges [0]);
    zmq_close (edges [1]);
    bus_stop (&bus);
}
END_TEST

UNIT_MAIN ("calls", a_call_goes_there_and_back, a_callees_failure_is_passed_on, large_bodies_pass_through_queue_and_wire,
           a_deadline_ends_the_call_and_tells_the_callee, credit_holds_the_rest_back, the_least_loaded_instance_is_taken,
           the_queue_is_fair_and_knows_priority, a_full_queue_says_busy, a_service_nobody_knows_fails_at_once,
           calls_wait_for_a_known_service, the_grace_starts_when_the_last_instance_leaves,
           a_call_to_a_peer_goes_to_it_alone, cancel_reaches_queue_and_callee,
           cancel_of_a_call_from_before_a_restart_is_passed_on, a_callee_that_dies_fails_its_calls_at_once,
           processes_come_and_go, a_callee_that_falls_silent_is_gone, a_caller_that_dies_has_its_calls_cancelled,
           a_caller_back_from_the_dead_hears_that_its_call_was_cancelled, a_call_sent_twice_is_handed_over_once,
           only_the_callee_can_answer, calls_outlive_the_broker, an_answer_frees_the_queue_of_its_own_service_after_a_restart,
           a_new_connection_of_the_callee_ends_what_may_be_lost, a_full_pipe_holds_calls_in_the_queue,
           answers_wait_for_a_caller_with_a_full_pipe, calls_to_a_peer_are_bounded_too, answers_for_the_dead_are_dropped)
