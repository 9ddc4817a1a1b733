/* SPDX-License-Identifier: MPL-2.0 */
/*  loop - timers in order, descriptors that come and go within a turn, hooks */

#include "actors/lib/loop.h"
#include "proto/base/clock.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static char s_seen [64];

static void
s_note (void *arg)
{
    strcat (s_seen, arg);
}

static char *
s_letter (const char *letter)
{
    static char letters [16] [2];
    static size_t next;
    char *at = letters [next++ % 16];
    at [0] = *letter;
    return at;
}

START_TEST (runs_timers_in_the_order_of_their_deadlines)
{
    cf_loop_t *loop = cf_loop_new ();
    cf_timer_t timers [4] = { 0 };
    uint64_t start_us = cf_clock_us ();
    cf_timer_set (loop, &timers [0], 20, s_note, s_letter ("c"));
    cf_timer_set (loop, &timers [1], 1, s_note, s_letter ("a"));
    cf_timer_set (loop, &timers [2], 10, s_note, s_letter ("b"));
    cf_timer_set (loop, &timers [3], 5, s_note, s_letter ("x"));
    cf_timer_clear (loop, &timers [3]);
    cf_timer_set (loop, &timers [1], 30, s_note, s_letter ("d"));      /* moves it */
    ck_assert_int_le (cf_loop_timeout_ms (loop), 10);
    while (strlen (s_seen) < 3)
        cf_loop_turn (loop, -1);
    ck_assert_str_eq (s_seen, "bcd");
    ck_assert_uint_ge (cf_clock_us () - start_us, 30000);
    ck_assert_int_eq (cf_loop_timeout_ms (loop), -1);
    cf_loop_destroy (&loop);
    ck_assert_ptr_null (loop);
    cf_loop_destroy (&loop);
}
END_TEST

typedef struct {
    cf_loop_t *loop;
    int fds [2];
    int calls;
} ends_t;

static void
s_on_readable (void *arg, uint32_t events)
{
    ends_t *self = arg;
    char byte;
    ck_assert (events & EPOLLIN);
    ck_assert_int_eq (read (self->fds [0], &byte, 1), 1);
    self->calls++;
}

START_TEST (watches_until_told_otherwise)
{
    ends_t ends = { .loop = cf_loop_new () };
    ck_assert_int_eq (pipe (ends.fds), 0);
    ck_assert_int_eq (cf_loop_watch (ends.loop, ends.fds [0], EPOLLIN, s_on_readable, &ends), 0);
    ck_assert_int_eq (write (ends.fds [1], "ab", 2), 2);
    cf_loop_turn (ends.loop, 1000);
    cf_loop_turn (ends.loop, 1000);
    ck_assert_int_eq (ends.calls, 2);
    ck_assert_int_eq (write (ends.fds [1], "c", 1), 1);
    cf_loop_unwatch (ends.loop, ends.fds [0]);
    cf_loop_turn (ends.loop, 0);
    ck_assert_int_eq (ends.calls, 2);
    cf_loop_unwatch (ends.loop, ends.fds [0]);
    cf_loop_unwatch (ends.loop, 100000);
    ck_assert_uint_eq (cf_loop_turns (ends.loop), 3);
    ck_assert_int_eq (cf_loop_watch (ends.loop, 900, EPOLLIN, s_on_readable, &ends), -1);
    close (ends.fds [0]);
    close (ends.fds [1]);
    cf_loop_destroy (&ends.loop);
}
END_TEST

/*  Whichever comes first takes the other away and opens something else under its number. */
static void
s_on_first (void *arg, uint32_t events)
{
    ends_t *pair = arg;
    (void) events;
    pair [0].calls++;
    for (int at = 0; at < 2; at++) {
        cf_loop_unwatch (pair [0].loop, pair [at].fds [0]);
        close (pair [at].fds [0]);
    }
    int again = open ("/dev/null", O_RDONLY);
    ck_assert_int_ge (again, 0);
    ck_assert_int_eq (pipe (pair [0].fds), 0);
    ck_assert_int_eq (cf_loop_watch (pair [0].loop, pair [0].fds [0], EPOLLIN, s_on_first, pair), 0);
    close (again);
}

START_TEST (drops_events_of_a_descriptor_closed_in_the_same_turn)
{
    ends_t pair [2] = { { .loop = cf_loop_new () }, { 0 } };
    for (int at = 0; at < 2; at++) {
        ck_assert_int_eq (pipe (pair [at].fds), 0);
        ck_assert_int_eq (write (pair [at].fds [1], "x", 1), 1);
        ck_assert_int_eq (cf_loop_watch (pair [0].loop, pair [at].fds [0], EPOLLIN, s_on_first, pair), 0);
    }
    cf_loop_turn (pair [0].loop, 1000);
    ck_assert_int_eq (pair [0].calls, 1);
    cf_loop_destroy (&pair [0].loop);
}
END_TEST

static void
s_stop (void *arg)
{
    cf_loop_stop (arg);
}

START_TEST (runs_hooks_once_each_turn_and_kicks)
{
    cf_loop_t *loop = cf_loop_new ();
    char *one = s_letter ("1"), *two = s_letter ("2");
    s_seen [0] = 0;
    ck_assert_int_eq (cf_loop_add_hook (loop, s_note, one), 0);
    ck_assert_int_eq (cf_loop_add_hook (loop, s_note, two), 0);
    ck_assert_int_eq (cf_loop_add_hook (loop, s_note, one), 0);
    cf_loop_kick (loop);
    ck_assert_int_eq (cf_loop_timeout_ms (loop), 0);
    cf_loop_turn (loop, -1);            /* does not wait */
    ck_assert_str_eq (s_seen, "12");
    cf_loop_remove_hook (loop, s_note, one);
    cf_timer_t timer = { 0 };
    cf_timer_set (loop, &timer, 0, s_stop, loop);
    cf_loop_run (loop);
    ck_assert_str_eq (s_seen, "122");
    for (int at = 0; at < 15; at++)
        ck_assert_int_eq (cf_loop_add_hook (loop, s_note, &s_seen [at]), 0);
    ck_assert_int_eq (cf_loop_add_hook (loop, s_note, one), -1);
    cf_loop_destroy (&loop);
}
END_TEST

static void
s_on_inner (void *arg, uint32_t events)
{
    (void) events;
    cf_loop_turn (arg, 0);
}

START_TEST (nests_in_another_loop)
{
    ends_t ends = { .loop = cf_loop_new () };
    cf_loop_t *outer = cf_loop_new ();
    ck_assert_int_eq (pipe (ends.fds), 0);
    ck_assert_int_eq (cf_loop_watch (ends.loop, ends.fds [0], EPOLLIN, s_on_readable, &ends), 0);
    ck_assert_int_eq (cf_loop_watch (outer, cf_loop_fd (ends.loop), EPOLLIN, s_on_inner, ends.loop), 0);
    cf_loop_turn (outer, 0);
    ck_assert_int_eq (ends.calls, 0);
    ck_assert_int_eq (write (ends.fds [1], "x", 1), 1);
    cf_loop_turn (outer, 1000);
    ck_assert_int_eq (ends.calls, 1);
    close (ends.fds [0]);
    close (ends.fds [1]);
    cf_loop_destroy (&ends.loop);
    cf_loop_destroy (&outer);
}
END_TEST

UNIT_MAIN ("loop", runs_timers_in_the_order_of_their_deadlines, watches_until_told_otherwise,
           drops_events_of_a_descriptor_closed_in_the_same_turn, runs_hooks_once_each_turn_and_kicks, nests_in_another_loop)
