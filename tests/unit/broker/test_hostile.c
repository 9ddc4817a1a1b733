/* SPDX-License-Identifier: MPL-2.0 */
/*  hostile - whatever bytes arrive, the broker answers, counts, and serves the others */

#include "broker/broker.h"
#include "proto/wire.h"
#include "tests/unit/broker/bus.h"

static void *s_store, *s_edge;

static void
s_open (bus_t *bus)
{
    bus_start (bus);
    s_store = bus_peer (bus, "store.0.1", 1000);
    s_edge = bus_peer (bus, "edge.0.2", 0);
}

/*  Proves that the broker still works; what else came for the two is skipped. By name: others may say that they are a
    store, too. */
static void
s_still_serves (void)
{
    static uint64_t calls = UINT64_C (1) << 50;
    bus_call (s_edge, "store.0.1", ++calls);
    do {
        ck_assert (bus_hear_any (s_store));
        if (heard.envelope.kind == CF_KIND_CALL)
            bus_reply (s_store, heard.envelope.from, heard.envelope.call);
    } while (heard.envelope.kind != CF_KIND_CALL || heard.envelope.call != calls);
    do
        ck_assert (bus_hear_any (s_edge));
    while (heard.envelope.kind != CF_KIND_REPLY || heard.envelope.call != calls);
}

static void
s_close (bus_t *bus)
{
    s_still_serves ();
    zmq_close (s_edge);
    zmq_close (s_store);
    bus_stop (bus);
}

START_TEST (a_readable_call_number_gets_an_answer)
{
    bus_t bus;
    s_open (&bus);
    cf_buf_t frame;
    cf_buf_init (&frame, CF_ENVELOPE_MAX_BYTES);
    cf_envelope_t envelope = { .kind = CF_KIND_CALL, .message = 30, .call = 9, .to = "store" };
    ck_assert_int_eq (cf_envelope_encode (&envelope, &frame), 0);
    /* its body is missing */
    zmq_send (s_edge, frame.bytes, frame.size, 0);
    bus_hear_failed (s_edge, 9, CF_ERROR_BAD_MESSAGE);
    /* three frames */
    zmq_send (s_edge, frame.bytes, frame.size, ZMQ_SNDMORE);
    zmq_send (s_edge, "a", 1, ZMQ_SNDMORE);
    zmq_send (s_edge, "b", 1, 0);
    bus_hear_failed (s_edge, 9, CF_ERROR_BAD_MESSAGE);
    /* cut off behind the number */
    zmq_send (s_edge, frame.bytes, 10, 0);
    bus_hear_failed (s_edge, 9, CF_ERROR_BAD_MESSAGE);
    /* a byte too much */
    cf_buf_putc (&frame, 0);
    zmq_send (s_edge, frame.bytes, frame.size, ZMQ_SNDMORE);
    zmq_send (s_edge, "body", 4, 0);
    bus_hear_failed (s_edge, 9, CF_ERROR_BAD_MESSAGE);
    /* a body that belongs to nothing */
    envelope.message = 0;
    cf_buf_reset (&frame);
    cf_envelope_encode (&envelope, &frame);
    zmq_send (s_edge, frame.bytes, frame.size, ZMQ_SNDMORE);
    zmq_send (s_edge, "body", 4, 0);
    bus_hear_failed (s_edge, 9, CF_ERROR_BAD_MESSAGE);
    /* no proper address */
    const char *wrong [] = { "", "two words", "star*", "\x01", ".x" };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++) {
        bus_call (s_edge, wrong [at], 9);
        bus_hear_failed (s_edge, 9, CF_ERROR_BAD_MESSAGE);
    }
    bus_quiet (s_store);
    cf_buf_free (&frame);
    s_close (&bus);
}
END_TEST

START_TEST (what_is_not_a_peers_to_say_is_ignored)
{
    bus_t bus;
    s_open (&bus);
    bus_say (s_edge, CF_KIND_WELCOME, "edge.0.2", 1);
    bus_say (s_edge, CF_KIND_GONE, "store.0.1", 0);
    bus_say (s_edge, CF_KIND_SUBSCRIBE, "a*b", 1);
    bus_say (s_edge, CF_KIND_SUBSCRIBE, "a", 2);
    bus_say (s_edge, CF_KIND_SUBSCRIBE, "", 1);
    bus_say (s_edge, CF_KIND_HELLO, "a.b", 1);
    bus_say (s_edge, CF_KIND_HELLO, "broker", 1);
    bus_say (s_edge, CF_KIND_HELLO, "", 1);
    bus_say (s_edge, CF_KIND_CALL, "store", 0);
    bus_say (s_edge, CF_KIND_CANCEL, "nobody", 0);
    zmq_send (s_edge, "", 0, ZMQ_SNDMORE);
    zmq_send (s_edge, "", 0, 0);
    bus_quiet (s_edge);
    bus_quiet (s_store);
    s_close (&bus);
}
END_TEST

START_TEST (who_speaks_before_hello_is_welcomed_first)
{
    bus_t bus;
    s_open (&bus);
    void *stranger = bus_dealer (&bus, "qa.0.5");
    bus_hear (stranger, CF_KIND_WELCOME);
    uint64_t epoch = heard.envelope.number;
    bus_call (stranger, "store", 1);
    bus_say (stranger, CF_KIND_SUBSCRIBE, "state.*", 1);
    bus_say (stranger, CF_KIND_READY, "", 0);
    bus_say (stranger, CF_KIND_HELLO, "qa", 1);
    bus_quiet (stranger);               /* one WELCOME is enough for the time being */
    bus_quiet (s_store);
    bus_say (stranger, CF_KIND_READY, "", 0);
    bus_call (s_edge, "qa", 5);
    bus_hear_call (stranger, 5);
    zmq_close (stranger);
    stranger = bus_dealer (&bus, "qa.0.6");
    bus_hear (stranger, CF_KIND_WELCOME);
    ck_assert_uint_eq (heard.envelope.number, epoch);
    ck_assert_uint_ne (epoch, 0);
    zmq_close (stranger);
    s_close (&bus);
}
END_TEST

START_TEST (peers_without_a_proper_name_are_not_heard)
{
    bus_t bus;
    s_open (&bus);
    char longest [256];
    memset (longest, 'x', 255);
    longest [100] = '.';
    longest [255] = 0;
    const char *names [] = { "nodot", "two words.0.1", ".0.1", "star*.0.1", longest };
    void *peers [5];
    for (int at = 0; at < 5; at++) {
        peers [at] = bus_dealer (&bus, names [at]);
        bus_say (peers [at], CF_KIND_HELLO, "store", 10);
        bus_say (peers [at], CF_KIND_READY, "", 0);
    }
    s_still_serves ();
    int wait = 0;
    for (int at = 0; at < 5; at++) {
        zmq_setsockopt (peers [at], ZMQ_RCVTIMEO, &wait, sizeof wait);
        ck_assert (!bus_hear_any (peers [at]));
        zmq_close (peers [at]);
    }
    s_close (&bus);
}
END_TEST

START_TEST (a_frame_over_the_limit_costs_its_sender_the_connection)
{
    bus_t bus;
    s_open (&bus);
    void *hog = bus_peer (&bus, "qa.0.5", 0);
    size_t size = 18u << 20;
    char *bytes = calloc (1, size);
    ck_assert_ptr_nonnull (bytes);
    zmq_send (hog, bytes, size, 0);
    bus_hear (hog, CF_KIND_WELCOME);    /* on the next connection */
    free (bytes);
    zmq_close (hog);
    s_close (&bus);
}
END_TEST

/*  Deterministic: the same numbers on every run. */
static uint32_t
s_random (void)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static size_t
s_mutate (char *bytes, size_t size, size_t capacity)
{
    for (uint32_t changes = 1 + s_random () % 3; changes; changes--)
        switch (s_random () % 5) {
        case 0:
            bytes [s_random () % size] = (char) s_random ();
            break;
        case 1:
            bytes [s_random () % size] ^= (char) (1u << s_random () % 8);
            break;
        case 2:
            size = 1 + s_random () % size;
            break;
        case 3:
            bytes [s_random () % (size < 8? size: 8)] = (char) s_random ();
            break;
        default:
            for (uint32_t more = s_random () % 20; more && size < capacity; more--)
                bytes [size++] = (char) s_random ();
        }
    return size;
}

static void
s_valid (cf_envelope_t *envelope)
{
    static const char *const names [] = { "store", "edge", "store.0.1", "edge.0.2", "fuzz.0.3", "state.x", "tokens.1", "job.*",
                                          "wanted.*", "state.*", "nosuch", "" };
    *envelope = (cf_envelope_t) { .kind = (cf_kind_t) (1 + s_random () % (CF_KIND_END - 1)), .message = s_random () % 3,
                                  .call = s_random () % 40, .priority = s_random () % 10, .attempt = s_random (),
                                  .deadline_ms = s_random () % 50, .number = s_random () % 4, .sent_us = s_random () };
    strcpy (envelope->to, names [s_random () % (sizeof names / sizeof names [0])]);
    strcpy (envelope->user, s_random () % 2? BUS_USER_A: "");
    strcpy (envelope->job, s_random () % 2? BUS_USER_B: "");
}

/*  Envelopes of every kind, valid ones and ones with broken bytes, with zero to three bodies, from two peers. */
START_TEST (survives_random_messages)
{
    bus_t bus;
    s_open (&bus);
    void *peers [2] = { bus_peer (&bus, "fuzz.0.3", 5), bus_peer (&bus, "fuzz.1.4", 5) };
    void *supervisor = bus_peer (&bus, "supervisor.0.5", 0);    /* must not be garbled: it could declare anybody dead */
    cf_buf_t frame;
    cf_buf_init (&frame, 4096);
    for (int round = 0; round < 50000; round++) {
        cf_envelope_t envelope;
        void *peer = peers [s_random () % 2];
        s_valid (&envelope);
        if (s_random () % 50 == 0)
            bus_say (supervisor, CF_KIND_GONE, "fuzz.0.3", 0);
        cf_buf_reset (&frame);
        ck_assert_int_eq (cf_envelope_encode (&envelope, &frame), 0);
        char bytes [2048];
        memcpy (bytes, frame.bytes, frame.size);
        size_t size = s_random () % 3? s_mutate (bytes, frame.size, sizeof bytes): frame.size;
        unsigned bodies = envelope.message != 0;
        if (s_random () % 8 == 0)
            bodies = s_random () % 4;
        zmq_send (peer, bytes, size, bodies? ZMQ_SNDMORE: 0);
        for (; bodies; bodies--)
            zmq_send (peer, bytes, s_random () % 64, bodies > 1? ZMQ_SNDMORE: 0);
        if (round % 500 == 499) {
            s_still_serves ();
            int now = 0;
            for (int at = 0; at < 2; at++) {
                zmq_setsockopt (peers [at], ZMQ_RCVTIMEO, &now, sizeof now);
                while (zmq_recv (peers [at], bytes, sizeof bytes, 0) >= 0)
                    ;
            }
        }
    }
    cf_buf_free (&frame);
    zmq_close (peers [0]);
    zmq_close (peers [1]);
    zmq_close (supervisor);
    s_close (&bus);
}
END_TEST

START_TEST (an_endpoint_that_cannot_be_bound_is_an_error)
{
    cf_broker_options_t options = { .endpoint = "ipc:///nonexistent/b", .capture_endpoint = "ipc:///nonexistent/c",
                                    .capture_without_body = "", .beat_ms = 100, .queue_max = 1, .grace_ms = 1,
                                    .metrics_ms = 100, .hwm = 10 };
    cf_error_t error;
    ck_assert_ptr_null (cf_broker_new (&options, &error));
    ck_assert_int_eq (error.code, CF_ERROR_INTERNAL);
    options.capture_without_body = "all";
    ck_assert_ptr_null (cf_broker_new (&options, &error));
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
}
END_TEST

UNIT_MAIN ("hostile", a_readable_call_number_gets_an_answer, what_is_not_a_peers_to_say_is_ignored,
           who_speaks_before_hello_is_welcomed_first, peers_without_a_proper_name_are_not_heard,
           a_frame_over_the_limit_costs_its_sender_the_connection, survives_random_messages,
           an_endpoint_that_cannot_be_bound_is_an_error)
