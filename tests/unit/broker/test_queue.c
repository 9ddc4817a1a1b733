/* SPDX-License-Identifier: MPL-2.0 */
/*  queue - priorities, fairness between users, order, removal */

#include "broker/queue.h"
#include "tests/support/unit.h"

#include <string.h>

#define USER_A "0190aaaa-0000-7000-8000-000000000001"
#define USER_B "0190bbbb-0000-7000-8000-000000000002"

typedef struct {
    cf_queue_entry_t entry;
    char name;
} waiter_t;

static void
s_push (cf_queue_t *queue, waiter_t *waiter, char name, unsigned priority, const char *user)
{
    *waiter = (waiter_t) { .name = name };
    ck_assert_int_eq (cf_queue_push (queue, &waiter->entry, priority, user), 0);
}

/*  The order in which all of them are served. */
static const char *
s_serve_all (cf_queue_t *queue)
{
    static char order [64];
    size_t count = 0;
    while (queue->size) {
        order [count++] = ((waiter_t *) cf_queue_peek (queue))->name;
        cf_queue_pop (queue);
    }
    order [count] = 0;
    ck_assert_ptr_null (cf_queue_peek (queue));
    return order;
}

START_TEST (serves_in_order_of_arrival)
{
    cf_queue_t queue = { 0 };
    waiter_t waiters [3];
    for (int at = 0; at < 3; at++)
        s_push (&queue, &waiters [at], (char) ('1' + at), 0, "");
    ck_assert_uint_eq (queue.size, 3);
    ck_assert_str_eq (s_serve_all (&queue), "123");
}
END_TEST

START_TEST (serves_higher_priorities_first)
{
    cf_queue_t queue = { 0 };
    waiter_t waiters [4];
    s_push (&queue, &waiters [0], 'n', 0, USER_A);
    s_push (&queue, &waiters [1], 'm', 5, USER_A);
    s_push (&queue, &waiters [2], 'h', 9, USER_B);
    s_push (&queue, &waiters [3], 'i', 9, USER_B);
    ck_assert_str_eq (s_serve_all (&queue), "himn");
}
END_TEST

START_TEST (lets_no_user_starve_another)
{
    cf_queue_t queue = { 0 };
    waiter_t waiters [7];
    for (int at = 0; at < 4; at++)
        s_push (&queue, &waiters [at], (char) ('1' + at), 0, USER_A);
    s_push (&queue, &waiters [4], 'x', 0, USER_B);
    s_push (&queue, &waiters [5], 'y', 0, USER_B);
    s_push (&queue, &waiters [6], 'o', 0, "");
    ck_assert_str_eq (s_serve_all (&queue), "1xo2y34");
}
END_TEST

START_TEST (gives_a_late_user_the_next_turn_but_one)
{
    cf_queue_t queue = { 0 };
    waiter_t waiters [4];
    for (int at = 0; at < 3; at++)
        s_push (&queue, &waiters [at], (char) ('1' + at), 0, USER_A);
    cf_queue_pop (&queue);
    s_push (&queue, &waiters [3], 'x', 0, USER_B);
    ck_assert_str_eq (s_serve_all (&queue), "2x3");
}
END_TEST

static void
s_count (void *context, cf_queue_entry_t *entry)
{
    (void) entry;
    ++*(int *) context;
}

START_TEST (removes_from_anywhere)
{
    cf_queue_t queue = { 0 };
    waiter_t waiters [5];
    for (int at = 0; at < 5; at++)
        s_push (&queue, &waiters [at], (char) ('1' + at), 0, at % 2? USER_B: USER_A);
    cf_queue_remove (&queue, &waiters [2].entry);
    cf_queue_remove (&queue, &waiters [0].entry);
    ck_assert_ptr_null (waiters [0].entry.lane);
    int count = 0;
    cf_queue_walk (&queue, s_count, &count);
    ck_assert_int_eq (count, 3);
    ck_assert_str_eq (s_serve_all (&queue), "524");
    s_push (&queue, &waiters [0], 'a', 3, USER_A);
    cf_queue_remove (&queue, &waiters [0].entry);
    ck_assert_ptr_null (queue.lanes);
    ck_assert_uint_eq (queue.occupied, 0);
}
END_TEST

UNIT_MAIN ("queue", serves_in_order_of_arrival, serves_higher_priorities_first, lets_no_user_starve_another,
           gives_a_late_user_the_next_turn_but_one, removes_from_anywhere)
