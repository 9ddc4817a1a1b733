/* SPDX-License-Identifier: MPL-2.0 */
/*  gate - one at a time for each account, in the order of arrival, and only so many in all */

#include "actors/github/gate.h"
#include "tests/support/unit.h"

#include <string.h>

static struct {
    cf_loop_t *loop;
    cf_gate_t *gate;
    char order [64];            /* who went in (upper case) and out (lower case) */
    size_t size;
} scene;

typedef struct {
    const char *key;
    char letter;
    bool leave, refused;
    cf_task_t *task;
} visitor_t;

static void
s_visit (cf_task_t *task, void *arg)
{
    visitor_t *visitor = arg;
    cf_gate_pass_t pass = { 0 };
    cf_error_t error = { 0 };
    visitor->task = task;
    if (cf_gate_enter (scene.gate, task, visitor->key, &pass, &error)) {
        visitor->refused = true;
        cf_gate_leave (scene.gate, &pass);
        return;
    }
    scene.order [scene.size++] = visitor->letter;
    while (!visitor->leave && cf_task_wait (task, &error) == 0)
        ;
    scene.order [scene.size++] = (char) (visitor->letter + 'a' - 'A');
    cf_gate_leave (scene.gate, &pass);
    cf_gate_leave (scene.gate, &pass);
}

static void
s_begin (size_t max)
{
    memset (&scene, 0, sizeof scene);
    scene.loop = cf_loop_new ();
    scene.gate = cf_gate_new (max);
}

static void
s_end (void)
{
    ck_assert_uint_eq (cf_task_count (), 0);
    cf_gate_destroy (&scene.gate);
    cf_task_free_pool ();
    cf_loop_destroy (&scene.loop);
}

static void
s_start (visitor_t *visitor)
{
    ck_assert_ptr_nonnull (cf_task_start (scene.loop, s_visit, visitor, NULL));
}

static void
s_send_out (visitor_t *visitor)
{
    visitor->leave = true;
    cf_task_wake (visitor->task);
    for (int turn = 0; turn < 4; turn++)
        cf_loop_turn (scene.loop, 0);
}

START_TEST (accounts_take_turns)
{
    visitor_t a = { .key = "ada", .letter = 'A' }, b = { .key = "ada", .letter = 'B' }, c = { .key = "bob", .letter = 'C' };
    s_begin (8);
    ck_assert (!cf_gate_is_busy (scene.gate, "ada"));
    s_start (&a);
    ck_assert (cf_gate_is_busy (scene.gate, "ada"));
    ck_assert (!cf_gate_is_busy (scene.gate, "bob"));
    s_start (&b);
    s_start (&c);
    ck_assert_str_eq (scene.order, "AC");
    s_send_out (&a);
    ck_assert_str_eq (scene.order, "ACaB");
    s_send_out (&b);
    s_send_out (&c);
    ck_assert_str_eq (scene.order, "ACaBbc");
    s_end ();
}
END_TEST

START_TEST (only_so_many_are_in)
{
    visitor_t a = { .key = "a", .letter = 'A' }, b = { .key = "b", .letter = 'B' }, c = { .key = "c", .letter = 'C' }, d = { .key = "b", .letter = 'D' };
    s_begin (2);
    s_start (&a);
    s_start (&b);
    s_start (&d);
    s_start (&c);
    ck_assert (cf_gate_is_busy (scene.gate, "e"));
    ck_assert_str_eq (scene.order, "AB");
    s_send_out (&a);                    /* the place goes to the first whose account is free */
    ck_assert_str_eq (scene.order, "ABaC");
    s_send_out (&b);
    ck_assert_str_eq (scene.order, "ABaCbD");
    s_send_out (&c);
    s_send_out (&d);
    s_end ();
}
END_TEST

START_TEST (who_is_cancelled_makes_way)
{
    visitor_t a = { .key = "a", .letter = 'A' }, b = { .key = "a", .letter = 'B' }, c = { .key = "a", .letter = 'C' };
    s_begin (8);
    s_start (&a);
    cf_task_t *waiting = cf_task_start (scene.loop, s_visit, &b, NULL);
    s_start (&c);
    cf_task_cancel (waiting, CF_ERROR_CANCELLED);
    for (int turn = 0; turn < 4; turn++)
        cf_loop_turn (scene.loop, 0);
    ck_assert (b.refused);
    s_send_out (&a);
    ck_assert_str_eq (scene.order, "AaC");
    s_send_out (&c);
    s_end ();
}
END_TEST

UNIT_MAIN ("gate", accounts_take_turns, only_so_many_are_in, who_is_cancelled_makes_way)
