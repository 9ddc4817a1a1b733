/* SPDX-License-Identifier: MPL-2.0 */
/*  restart - how long a dead process waits, and when it has failed */

#include "ops/supervisor/restart.h"
#include "tests/support/unit.h"

START_TEST (comes_back_at_once_after_long_service)
{
    cf_restart_t restart = { 0 };
    ck_assert_int_eq (cf_restart_next (&restart, 100000, 10001), 0);
    ck_assert_int_eq (cf_restart_next (&restart, 200000, 90000), 0);
}
END_TEST

START_TEST (waits_longer_each_time_it_dies_young)
{
    static const int64_t expected [] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000 };
    cf_restart_t restart = { 0 };
    uint64_t now_ms = 0;
    for (size_t at = 0; at < 8; at++) {
        ck_assert_int_eq (cf_restart_next (&restart, now_ms, 10), expected [at]);
        now_ms += 9000;                 /* slowly enough to be forgiven */
    }
}
END_TEST

START_TEST (forgets_the_delay_after_long_service)
{
    cf_restart_t restart = { 0 };
    cf_restart_next (&restart, 0, 1);
    cf_restart_next (&restart, 200, 1);
    ck_assert_int_eq (cf_restart_next (&restart, 60000, 50000), 0);
    ck_assert_int_eq (cf_restart_next (&restart, 60010, 10), 100);
}
END_TEST

START_TEST (gives_up_after_too_many_within_the_period)
{
    cf_restart_t restart = { 0 };
    uint64_t now_ms = 1000;
    for (int at = 0; at < CF_RESTART_INTENSITY; at++) {
        int64_t wait_ms = cf_restart_next (&restart, now_ms, 1);
        ck_assert_int_ge (wait_ms, 0);
        now_ms += (uint64_t) wait_ms + 1;
    }
    ck_assert_int_eq (cf_restart_next (&restart, now_ms, 1), -1);
    ck_assert_int_eq (cf_restart_next (&restart, now_ms, 1), -1);
}
END_TEST

START_TEST (tolerates_as_many_spread_over_a_longer_time)
{
    cf_restart_t restart = { 0 };
    uint64_t now_ms = 0;
    for (int at = 0; at < 100; at++) {
        ck_assert_int_ge (cf_restart_next (&restart, now_ms, 1), 0);
        now_ms += CF_RESTART_PERIOD_MS / CF_RESTART_INTENSITY + CF_RESTART_MOST_MS;
    }
}
END_TEST

START_TEST (counts_also_restarts_without_delay)
{
    cf_restart_t restart = { 0 };
    for (int at = 0; at < CF_RESTART_INTENSITY; at++)
        ck_assert_int_eq (cf_restart_next (&restart, 1000, 20000), 0);
    ck_assert_int_eq (cf_restart_next (&restart, 1000, 20000), -1);
}
END_TEST

UNIT_MAIN ("restart", comes_back_at_once_after_long_service, waits_longer_each_time_it_dies_young,
           forgets_the_delay_after_long_service, gives_up_after_too_many_within_the_period,
           tolerates_as_many_spread_over_a_longer_time, counts_also_restarts_without_delay)
