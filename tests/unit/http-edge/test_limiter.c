/* SPDX-License-Identifier: MPL-2.0 */
/*  limiter - what a bucket gives, and that all processes together give no more */

#include "http-edge/limiter.h"
#include "proto/base/clock.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_US UINT64_C (5000000000)
#define SECOND_US UINT64_C (1000000)

static char s_folder [64], s_path [96];

static void
s_set_up (void)
{
    snprintf (s_folder, sizeof s_folder, "/tmp/cf-limiter-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_folder));
    snprintf (s_path, sizeof s_path, "%s/limits", s_folder);
}

static void
s_tear_down (void)
{
    unlink (s_path);
    ck_assert_int_eq (rmdir (s_folder), 0);     /* nothing else was left there */
}

static cf_limiter_t *
s_new (uint32_t per_minute)
{
    cf_error_t error = { 0 };
    cf_limiter_t *limiter = cf_limiter_new (s_path, per_minute, &error);
    ck_assert_msg (limiter != NULL, "%s", error.text);
    return limiter;
}

START_TEST (gives_a_burst_and_then_one_an_interval)
{
    s_set_up ();
    cf_limiter_t *limiter = s_new (60);
    cf_limiter_state_t state;
    for (unsigned at = 0; at < 60; at++) {
        ck_assert (cf_limiter_take (limiter, 'u', "anna", 4, START_US, &state));
        ck_assert_uint_eq (state.limit, 60);
        ck_assert_uint_eq (state.remaining, 59 - at);
        ck_assert_uint_eq (state.reset_s, at + 1);
        ck_assert_uint_eq (state.retry_after_s, 0);
    }
    ck_assert (!cf_limiter_take (limiter, 'u', "anna", 4, START_US, &state));
    ck_assert_uint_eq (state.remaining, 0);
    ck_assert_uint_eq (state.reset_s, 60);
    ck_assert_uint_eq (state.retry_after_s, 1);
    ck_assert (!cf_limiter_take (limiter, 'u', "anna", 4, START_US + SECOND_US - 1, &state));
    ck_assert (cf_limiter_take (limiter, 'u', "anna", 4, START_US + SECOND_US, &state));
    ck_assert (!cf_limiter_take (limiter, 'u', "anna", 4, START_US + SECOND_US, &state));
    /* others have buckets of their own, and so has an address that reads like a user */
    ck_assert (cf_limiter_take (limiter, 'u', "bert", 4, START_US, &state));
    ck_assert (cf_limiter_take (limiter, 'a', "anna", 4, START_US, &state));
    /* after a minute it is full, and no fuller */
    for (unsigned at = 0; at < 60; at++)
        ck_assert (cf_limiter_take (limiter, 'u', "anna", 4, START_US + 3600 * SECOND_US, &state));
    ck_assert (!cf_limiter_take (limiter, 'u', "anna", 4, START_US + 3600 * SECOND_US, &state));
    cf_limiter_destroy (&limiter);
    s_tear_down ();
}
END_TEST

START_TEST (counts_exactly_for_any_limit)
{
    static const uint32_t limits [] = { 1, 2, 7, 59, 61, 1000, 999983, 1000000 };
    s_set_up ();
    for (size_t at = 0; at < sizeof limits / sizeof limits [0]; at++) {
        cf_limiter_t *limiter = s_new (limits [at]);
        cf_limiter_state_t state;
        uint32_t taken = 0;
        while (cf_limiter_take (limiter, 'u', &limits [at], sizeof limits [at], START_US, &state))
            taken++;
        ck_assert_uint_eq (taken, limits [at]);
        cf_limiter_destroy (&limiter);
    }
    s_tear_down ();
}
END_TEST

START_TEST (survives_its_owner_and_damage)
{
    s_set_up ();
    cf_limiter_t *limiter = s_new (2);
    cf_limiter_state_t state;
    struct stat status;
    cf_limiter_take (limiter, 'u', "anna", 4, START_US, &state);
    ck_assert_int_eq (stat (s_path, &status), 0);
    ck_assert_int_eq (status.st_mode & 0777, 0600);
    cf_limiter_destroy (&limiter);
    limiter = s_new (2);
    ck_assert (cf_limiter_take (limiter, 'u', "anna", 4, START_US, &state));
    ck_assert (!cf_limiter_take (limiter, 'u', "anna", 4, START_US, &state));
    /* the machine was started anew: the time of before means nothing */
    ck_assert (cf_limiter_take (limiter, 'u', "anna", 4, START_US - 3600 * SECOND_US, &state));
    ck_assert_uint_eq (state.remaining, 1);
    cf_limiter_destroy (&limiter);
    int fd = open (s_path, O_WRONLY);
    ck_assert_int_eq (write (fd, "junk", 4), 4);
    close (fd);
    limiter = s_new (2);
    cf_limiter_destroy (&limiter);
    ck_assert_int_eq (truncate (s_path, 100), 0);
    limiter = s_new (2);
    ck_assert (cf_limiter_take (limiter, 'u', "anna", 4, START_US, &state));
    cf_limiter_destroy (&limiter);
    s_tear_down ();
}
END_TEST

/*  Takes what it can of every key; the number of tokens. */
static unsigned
s_take_all (uint64_t now_us, unsigned keys, unsigned rounds)
{
    cf_limiter_t *limiter = s_new (100);
    cf_limiter_state_t state;
    unsigned taken = 0;
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned key = 0; key < keys; key++)
            taken += cf_limiter_take (limiter, 'u', &key, sizeof key, now_us, &state);
    cf_limiter_destroy (&limiter);
    return taken;
}

START_TEST (is_exact_across_processes)
{
    enum { PROCESSES = 8, KEYS = 300, ROUNDS = 60 };
    s_set_up ();
    for (unsigned pass = 0; pass < 4; pass++) {         /* later ones find the places of before, full again */
        pid_t children [PROCESSES];
        unsigned *taken = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        for (unsigned at = 0; at < PROCESSES; at++)
            if (!(children [at] = fork ())) {
                while (!__atomic_load_n (&taken [PROCESSES], __ATOMIC_ACQUIRE))
                    ;
                taken [at] = s_take_all (START_US + pass * 120 * SECOND_US, KEYS, ROUNDS);
                _exit (0);
            }
        __atomic_store_n (&taken [PROCESSES], 1, __ATOMIC_RELEASE);
        unsigned sum = 0;
        for (unsigned at = 0; at < PROCESSES; at++) {
            int status;
            ck_assert_int_eq (waitpid (children [at], &status, 0), children [at]);
            ck_assert_int_eq (status, 0);
            sum += taken [at];
        }
        ck_assert_uint_eq (sum, KEYS * 100);
        munmap (taken, 4096);
    }
    s_tear_down ();
}
END_TEST

START_TEST (survives_processes_killed_in_the_middle)
{
    s_set_up ();
    for (unsigned at = 0; at < 50; at++) {
        pid_t child = fork ();
        if (!child) {
            s_take_all (START_US, 1000, 1000000);
            _exit (0);
        }
        usleep (1000 + at * 37);
        kill (child, SIGKILL);
        waitpid (child, NULL, 0);
    }
    cf_limiter_t *limiter = s_new (100);
    cf_limiter_state_t state;
    ck_assert (cf_limiter_take (limiter, 'u', "late", 4, START_US, &state));
    ck_assert_uint_eq (state.remaining, 99);
    cf_limiter_destroy (&limiter);
    char fresh [128];
    snprintf (fresh, sizeof fresh, "rm -f %s.*", s_path);       /* what a maker that was killed has left */
    ck_assert_int_eq (system (fresh), 0);
    s_tear_down ();
}
END_TEST

START_TEST (is_bounded_and_lets_the_oldest_go)
{
    s_set_up ();
    cf_limiter_t *limiter = s_new (1);
    cf_limiter_state_t state;
    unsigned refused = 0;
    /* far more clients than places: each is served (but for who shares 40 bits), and the file does not grow */
    for (unsigned key = 0; key < 2000000; key++)
        refused += !cf_limiter_take (limiter, 'a', &key, sizeof key, START_US + key / 1000, &state);
    ck_assert_uint_lt (refused, 20);
    refused = 0;
    for (unsigned key = 2000000 - 1000; key < 2000000; key++)
        refused += !cf_limiter_take (limiter, 'a', &key, sizeof key, START_US + 2001, &state);
    ck_assert_uint_gt (refused, 900);                   /* the latest are remembered */
    struct stat status;
    stat (s_path, &status);
    ck_assert_int_lt (status.st_size, 5 << 20);
    cf_limiter_destroy (&limiter);
    s_tear_down ();
}
END_TEST

START_TEST (costs_little)
{
    s_set_up ();
    cf_limiter_t *limiter = s_new (1000000);
    cf_limiter_state_t state;
    uint64_t start_us = cf_clock_us ();
    for (unsigned at = 0; at < 100000; at++)
        cf_limiter_take (limiter, 'u', "3f0e8a52-5f0c-4b1e-9c7d-3a4b5c6d7e8f", 36, cf_clock_us (), &state);
    uint64_t spent_us = cf_clock_us () - start_us;
    printf ("limiter: %.0f ns a request\n", (double) spent_us / 100.0);
    ck_assert_uint_lt (spent_us, 500000);
    cf_limiter_destroy (&limiter);
    s_tear_down ();
}
END_TEST

START_TEST (says_why_it_cannot)
{
    cf_error_t error = { 0 };
    ck_assert_ptr_null (cf_limiter_new ("/proc/nowhere/limits", 60, &error));
    ck_assert_ptr_nonnull (strstr (error.text, "/proc/nowhere/limits"));
}
END_TEST

UNIT_MAIN ("limiter", gives_a_burst_and_then_one_an_interval, counts_exactly_for_any_limit, survives_its_owner_and_damage,
           is_exact_across_processes, survives_processes_killed_in_the_middle, is_bounded_and_lets_the_oldest_go, costs_little, says_why_it_cannot)
