/* SPDX-License-Identifier: MPL-2.0 */
/*  capture - copies of everything while somebody listens, of nothing else; no secrets */

#include "broker/capture.h"
#include "tests/unit/broker/bus.h"

/*  A listener, and proof that the broker knows of it: metrics of the broker's own come by. */
static void *
s_listen (bus_t *bus)
{
    void *listener = zmq_socket (bus->context, ZMQ_SUB);
    int wait = BUS_WAIT_MS, none = 0;
    zmq_setsockopt (listener, ZMQ_RCVTIMEO, &wait, sizeof wait);
    zmq_setsockopt (listener, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt (listener, ZMQ_SUBSCRIBE, "", 0);
    ck_assert_int_eq (zmq_connect (listener, bus->capture), 0);
    return listener;
}

/*  The next copy that is not of a peer's probing for the listener to be known. */
static void
s_hear_copy (void *listener, cf_kind_t kind)
{
    do
        ck_assert_msg (bus_hear_any (listener), "no copy of %s came", cf_envelope_kind_name (kind));
    while (heard.envelope.kind != kind || heard.envelope.call >> 40);
}

START_TEST (copies_what_goes_by_while_somebody_listens)
{
    bus_t bus;
    bus_init (&bus);
    bus.options.capture_without_body = "31,77";
    bus_run (&bus);
    void *store = bus_peer (&bus, "store.0.1", 10), *edge = bus_peer (&bus, "edge.0.2", 0);
    bus_call (edge, "store", 1);        /* nobody listens yet */
    bus_hear_call (store, 1);
    void *listener = s_listen (&bus);
    int wait = 5;
    zmq_setsockopt (listener, ZMQ_RCVTIMEO, &wait, sizeof wait);
    do                                  /* until the broker has heard of the listener */
        bus_quiet (edge);
    while (!bus_hear_any (listener));
    wait = BUS_WAIT_MS;
    zmq_setsockopt (listener, ZMQ_RCVTIMEO, &wait, sizeof wait);
    bus_call (edge, "store", 2);
    s_hear_copy (listener, CF_KIND_CALL);
    ck_assert_uint_eq (heard.envelope.call, 2);
    ck_assert_str_eq (heard.envelope.from, "edge.0.2");
    ck_assert_str_eq (heard.envelope.to, "store");
    ck_assert_uint_gt (heard.envelope.routed_us, 0);
    ck_assert_str_eq (heard.body, "body");
    bus_hear_call (store, 2);
    ck_assert_str_eq (heard.body, "body");              /* the original is whole, too */
    bus_reply (store, "edge.0.2", 2);
    s_hear_copy (listener, CF_KIND_REPLY);
    ck_assert_uint_eq (heard.envelope.message, 31);
    ck_assert_int_eq (heard.frames, 1);                 /* one of those whose body is never shown */
    bus_hear_reply (edge, 2, "store.0.1");
    bus_call (edge, "edge.0.2*", 3);
    s_hear_copy (listener, CF_KIND_FAILED);             /* what the broker itself says is shown as well */
    ck_assert_str_eq (heard.envelope.from, "broker");
    bus_hear_failed (edge, 3, CF_ERROR_BAD_MESSAGE);
    zmq_close (listener);
    zmq_close (edge);
    zmq_close (store);
    bus_stop (&bus);
}
END_TEST

static cf_error_code_t
s_new_capture (const char *without_body)
{
    cf_error_t error = { 0 };
    void *context = zmq_ctx_new ();
    cf_capture_t *capture = cf_capture_new (context, "inproc://capture", without_body, &error);
    ck_assert_int_eq (capture != NULL, error.code == CF_OK);
    cf_capture_destroy (&capture);
    zmq_ctx_term (context);
    return error.code;
}

START_TEST (refuses_a_list_of_secrets_that_it_cannot_read)
{
    ck_assert_int_eq (s_new_capture (""), CF_OK);
    ck_assert_int_eq (s_new_capture ("40"), CF_OK);
    ck_assert_int_eq (s_new_capture ("40,41,4294967295"), CF_OK);
    const char *wrong [] = { "x", "40,", ",40", "40,,41", "40 41", "-1", "4294967296", "99999999999999999999999", "40;41" };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++)
        ck_assert_msg (s_new_capture (wrong [at]) == CF_ERROR_INVALID, "%s was taken", wrong [at]);
}
END_TEST

START_TEST (knows_when_the_last_listener_left)
{
    cf_error_t error;
    void *context = zmq_ctx_new (), *listeners [2];
    cf_capture_t *capture = cf_capture_new (context, "inproc://capture", "", &error);
    ck_assert_ptr_nonnull (capture);
    ck_assert (!cf_capture_is_on (capture));
    for (int at = 0; at < 2; at++) {
        listeners [at] = zmq_socket (context, ZMQ_SUB);
        zmq_setsockopt (listeners [at], ZMQ_SUBSCRIBE, "", 0);
        ck_assert_int_eq (zmq_connect (listeners [at], "inproc://capture"), 0);
    }
    zmq_pollitem_t item = { cf_capture_socket (capture), 0, ZMQ_POLLIN, 0 };
    while (!cf_capture_is_on (capture)) {
        ck_assert_int_ge (zmq_poll (&item, 1, BUS_WAIT_MS), 1);
        cf_capture_watch (capture);
    }
    zmq_close (listeners [0]);
    cf_capture_watch (capture);
    ck_assert (cf_capture_is_on (capture));
    zmq_close (listeners [1]);
    while (cf_capture_is_on (capture)) {
        ck_assert_int_ge (zmq_poll (&item, 1, BUS_WAIT_MS), 1);
        cf_capture_watch (capture);
    }
    cf_capture_destroy (&capture);
    zmq_ctx_term (context);
}
END_TEST

UNIT_MAIN ("capture", copies_what_goes_by_while_somebody_listens, refuses_a_list_of_secrets_that_it_cannot_read,
           knows_when_the_last_listener_left)
