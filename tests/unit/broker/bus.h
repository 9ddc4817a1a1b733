/* SPDX-License-Identifier: MPL-2.0 */
/*  bus - a real broker in a thread, and peers that are bare DEALER sockets
 *
 *  Nothing here waits for time to pass: bus_quiet proves that nothing came by asking the broker something whose
 *  answer comes after all that could have come.
 */
#ifndef CF_TESTS_BUS_H
#define CF_TESTS_BUS_H

#include "broker/broker.h"
#include "proto/base/clock.h"
#include "tests/support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#define BUS_USER_A "0190aaaa-0000-7000-8000-000000000001"
#define BUS_USER_B "0190bbbb-0000-7000-8000-000000000002"
#define BUS_WAIT_MS 20000       /* a test that waits longer has failed */

typedef struct {
    cf_broker_t *broker;
    pthread_t thread;
    int stop_fd;
    void *context;
    char folder [64];
    char endpoint [128], capture [128];
    cf_broker_options_t options;
} bus_t;

/*  The last message heard. */
typedef struct {
    cf_envelope_t envelope;
    char body [70000];
    size_t body_size;
    int frames;
} heard_t;

static heard_t heard;

static inline void *
bus_thread (void *arg)
{
    bus_t *bus = arg;
    ck_assert_int_eq (cf_broker_run (bus->broker, bus->stop_fd), 0);
    return NULL;
}

/*  Fills in what a test does not change: generous times, so that nothing happens by itself. */
static inline void
bus_init (bus_t *bus)
{
    *bus = (bus_t) { .stop_fd = -1 };
    strcpy (bus->folder, "/tmp/cf-bus-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (bus->folder));
    snprintf (bus->endpoint, sizeof bus->endpoint, "ipc://%s/b", bus->folder);
    snprintf (bus->capture, sizeof bus->capture, "ipc://%s/c", bus->folder);
    bus->options = (cf_broker_options_t) {
        .endpoint = bus->endpoint, .capture_endpoint = bus->capture, .capture_without_body = "",
        .beat_ms = 60000, .queue_max = 1000, .grace_ms = 60000, .metrics_ms = 60000, .hwm = 10000,
    };
}

static inline void
bus_run (bus_t *bus)
{
    cf_error_t error;
    bus->broker = cf_broker_new (&bus->options, &error);
    ck_assert_msg (bus->broker != NULL, "%s", error.text);
    bus->stop_fd = eventfd (0, 0);
    ck_assert_int_eq (pthread_create (&bus->thread, NULL, bus_thread, bus), 0);
    if (!bus->context)
        bus->context = zmq_ctx_new ();
}

static inline void
bus_start (bus_t *bus)
{
    bus_init (bus);
    bus_run (bus);
}

/*  Ends the broker; the peers stay. */
static inline void
bus_halt (bus_t *bus)
{
    ck_assert_int_eq (eventfd_write (bus->stop_fd, 1), 0);
    pthread_join (bus->thread, NULL);
    cf_broker_destroy (&bus->broker);
    cf_broker_destroy (&bus->broker);
    close (bus->stop_fd);
}

/*  Ends everything; all peers must be closed. */
static inline void
bus_stop (bus_t *bus)
{
    bus_halt (bus);
    zmq_ctx_term (bus->context);
    unlink (bus->endpoint + 6);
    unlink (bus->capture + 6);
    ck_assert_int_eq (rmdir (bus->folder), 0);
}

static inline void *
bus_dealer (bus_t *bus, const char *name)
{
    void *peer = zmq_socket (bus->context, ZMQ_DEALER);
    int on = 1, none = 0, wait = BUS_WAIT_MS, again = 10;
    zmq_setsockopt (peer, ZMQ_ROUTING_ID, name, strlen (name));
    zmq_setsockopt (peer, ZMQ_PROBE_ROUTER, &on, sizeof on);
    zmq_setsockopt (peer, ZMQ_IMMEDIATE, &on, sizeof on);
    zmq_setsockopt (peer, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt (peer, ZMQ_RCVHWM, &bus->options.hwm, sizeof bus->options.hwm);
    zmq_setsockopt (peer, ZMQ_RCVTIMEO, &wait, sizeof wait);
    zmq_setsockopt (peer, ZMQ_SNDTIMEO, &wait, sizeof wait);
    zmq_setsockopt (peer, ZMQ_RECONNECT_IVL, &again, sizeof again);
    ck_assert_int_eq (zmq_connect (peer, bus->endpoint), 0);
    return peer;
}

/*  A body goes with every envelope that names a message. */
static inline void
bus_send (void *peer, const cf_envelope_t *envelope, const char *body)
{
    cf_buf_t frame;
    cf_buf_init (&frame, CF_ENVELOPE_MAX_BYTES);
    ck_assert_int_eq (cf_envelope_encode (envelope, &frame), 0);
    ck_assert_int_ge (zmq_send (peer, frame.bytes, frame.size, envelope->message? ZMQ_SNDMORE: 0), 0);
    if (envelope->message)
        ck_assert_int_ge (zmq_send (peer, body, strlen (body), 0), 0);
    cf_buf_free (&frame);
}

static inline void
bus_say (void *peer, cf_kind_t kind, const char *to, uint64_t number)
{
    cf_envelope_t envelope = { .kind = kind, .number = number };
    strcpy (envelope.to, to);
    bus_send (peer, &envelope, NULL);
}

/*  Receives the next message into heard. False where there is none in time. */
static inline bool
bus_hear_any (void *peer)
{
    char frame [CF_ENVELOPE_MAX_BYTES];
    int size = zmq_recv (peer, frame, sizeof frame, 0);
    if (size < 0)
        return false;
    cf_error_t error;
    ck_assert_int_eq (cf_envelope_decode (&heard.envelope, frame, (size_t) size, &error), 0);
    heard.body_size = 0;
    int more;
    size_t more_size = sizeof more;
    zmq_getsockopt (peer, ZMQ_RCVMORE, &more, &more_size);
    heard.frames = more? 2: 1;
    if (more) {
        size = zmq_recv (peer, heard.body, sizeof heard.body - 1, 0);
        ck_assert_int_ge (size, 0);
        heard.body_size = (size_t) size;
    }
    heard.body [heard.body_size] = 0;
    return true;
}

/*  The next message is of that kind. */
static inline void
bus_hear (void *peer, cf_kind_t kind)
{
    ck_assert_msg (bus_hear_any (peer), "no %s came", cf_envelope_kind_name (kind));
    ck_assert_msg (heard.envelope.kind == kind, "%s (to %s, number %llu) came, not %s", cf_envelope_kind_name (heard.envelope.kind),
                   heard.envelope.to, (unsigned long long) heard.envelope.number, cf_envelope_kind_name (kind));
}

static inline void
bus_hear_failed (void *peer, uint64_t call, cf_error_code_t code)
{
    bus_hear (peer, CF_KIND_FAILED);
    ck_assert_uint_eq (heard.envelope.call, call);
    ck_assert_str_eq (cf_error_name ((uint32_t) heard.envelope.number), cf_error_name (code));
    ck_assert_str_eq (heard.envelope.from, "broker");
}

static inline void
bus_hear_event (void *peer, const char *topic, uint64_t number)
{
    bus_hear (peer, CF_KIND_EVENT);
    ck_assert_str_eq (heard.envelope.to, topic);
    ck_assert_uint_eq (heard.envelope.number, number);
}

/*  All that peer said is done, and nothing else has come for it. */
static inline void
bus_quiet (void *peer)
{
    static uint64_t marks;
    cf_envelope_t envelope = { .kind = CF_KIND_CALL, .call = UINT64_C (1) << 40 | ++marks, .to = "nobody*" };
    bus_send (peer, &envelope, NULL);
    bus_hear_failed (peer, envelope.call, CF_ERROR_BAD_MESSAGE);
}

/*  A peer that has joined; credit 0: it only calls. */
static inline void *
bus_peer (bus_t *bus, const char *name, uint64_t credit)
{
    char service [CF_ENVELOPE_NAME_SIZE];
    void *peer = bus_dealer (bus, name);
    bus_hear (peer, CF_KIND_WELCOME);
    cf_envelope_service (name, service);
    bus_say (peer, CF_KIND_HELLO, service, credit);
    if (credit)
        bus_say (peer, CF_KIND_READY, "", 0);
    bus_quiet (peer);
    return peer;
}

static inline void
bus_call_as (void *peer, const char *to, uint64_t call, uint32_t deadline_ms, const char *user, uint32_t priority)
{
    cf_envelope_t envelope = { .kind = CF_KIND_CALL, .message = 30, .call = call, .deadline_ms = deadline_ms,
                               .priority = priority, .from = "a.lie.1" };
    strcpy (envelope.to, to);
    strcpy (envelope.user, user);
    bus_send (peer, &envelope, "body");
}

static inline void
bus_call (void *peer, const char *to, uint64_t call)
{
    bus_call_as (peer, to, call, 60000, "", 0);
}

/*  The next message is that call. */
static inline void
bus_hear_call (void *peer, uint64_t call)
{
    bus_hear (peer, CF_KIND_CALL);
    ck_assert_uint_eq (heard.envelope.call, call);
}

static inline void
bus_reply (void *peer, const char *to, uint64_t call)
{
    cf_envelope_t envelope = { .kind = CF_KIND_REPLY, .message = 31, .call = call };
    strcpy (envelope.to, to);
    bus_send (peer, &envelope, "answer");
}

static inline void
bus_hear_reply (void *peer, uint64_t call, const char *from)
{
    bus_hear (peer, CF_KIND_REPLY);
    ck_assert_uint_eq (heard.envelope.call, call);
    ck_assert_str_eq (heard.envelope.from, from);
    ck_assert_str_eq (heard.body, "answer");
}

#endif
