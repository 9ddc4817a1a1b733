/* SPDX-License-Identifier: MPL-2.0 */
/*  uuid, trace, clock, error, metric - small things that others trust blindly */

#include "proto/base/clock.h"
#include "proto/base/error.h"
#include "proto/base/metric.h"
#include "proto/base/trace.h"
#include "proto/base/uuid.h"
#include "tests/support/unit.h"

#include <string.h>

START_TEST (uuids_are_ordered_by_time_and_go_round)
{
    char first [CF_UUID_SIZE], second [CF_UUID_SIZE], back [CF_UUID_SIZE];
    uint8_t bytes [16];
    cf_uuid_new (first);
    uint64_t until = cf_clock_ms () + 2;
    while (cf_clock_ms () <= until)
        ;
    cf_uuid_new (second);
    ck_assert (cf_uuid_valid (first));
    ck_assert_int_eq (first [14], '7');
    ck_assert_int_lt (strcmp (first, second), 0);
    cf_uuid_pack (first, bytes);
    ck_assert_str_eq (cf_uuid_unpack (bytes, back), first);
    ck_assert (cf_uuid_parse ("0190A5B4-7C3E-7D2A-8F1B-2C3D4E5F6A7B", back));
    ck_assert_str_eq (back, "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7b");
    static const char *const bad [] = { "", "0190a5b4", "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7", "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7bb",
                                        "0190a5b47c3e-7d2a-8f1b--2c3d4e5f6a7b", "{190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7b" };
    for (size_t at = 0; at < sizeof bad / sizeof bad [0]; at++)
        ck_assert_msg (!cf_uuid_valid (bad [at]), "%s", bad [at]);
}
END_TEST

START_TEST (traces_continue_or_begin)
{
    char trace [CF_TRACE_SIZE], child [CF_TRACE_SIZE];
    cf_trace_new (trace);
    ck_assert (cf_trace_valid (trace));
    cf_trace_child (trace, child);
    ck_assert (cf_trace_valid (child));
    ck_assert_int_eq (strncmp (trace, child, 36), 0);
    ck_assert_int_ne (strcmp (trace, child), 0);
    static const char *const bad [] = { "", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x" };
    for (size_t at = 0; at < sizeof bad / sizeof bad [0]; at++) {
        ck_assert_msg (!cf_trace_valid (bad [at]), "%s", bad [at]);
        ck_assert (cf_trace_valid (cf_trace_child (bad [at], child)));
    }
}
END_TEST

START_TEST (times_are_rfc_3339)
{
    char text [CF_CLOCK_RFC3339_SIZE];
    ck_assert_str_eq (cf_clock_rfc3339 (0, text), "1970-01-01T00:00:00.000000Z");
    ck_assert_str_eq (cf_clock_rfc3339 (1709210096000123u, text), "2024-02-29T12:34:56.000123Z");
}
END_TEST

START_TEST (errors_know_their_row)
{
    cf_error_t error;
    ck_assert_int_eq (cf_error_set (&error, CF_ERROR_NOT_FOUND, "no %s", "job"), -1);
    ck_assert_str_eq (error.text, "no job");
    ck_assert_int_eq (cf_error_status (CF_ERROR_NOT_FOUND), 404);
    ck_assert_str_eq (cf_error_api (CF_ERROR_NOT_FOUND), "RESOURCE_NOT_FOUND");
    ck_assert_str_eq (cf_error_name (CF_ERROR_ACTOR_GONE), "ACTOR_GONE");
    ck_assert (cf_error_retryable (CF_ERROR_ACTOR_GONE));
    ck_assert (!cf_error_retryable (CF_ERROR_TIMEOUT));
    ck_assert_int_eq (cf_error_from (4711), CF_ERROR_INTERNAL);
    ck_assert_int_eq (cf_error_set (NULL, CF_ERROR_BUSY, "nobody listens"), -1);
}
END_TEST

START_TEST (metrics_count)
{
    cf_metric_add (CF_METRIC_jobs_accepted_total, 2);
    cf_metric_add (CF_METRIC_jobs_accepted_total, 1);
    cf_json_t *all = cf_metric_json ();
    ck_assert_int_eq (cf_json_int (all, "jobs_accepted_total", 0), 3);
    ck_assert_uint_eq (json_object_size (all), 1);
    json_decref (all);
}
END_TEST

UNIT_MAIN ("text", uuids_are_ordered_by_time_and_go_round, traces_continue_or_begin, times_are_rfc_3339, errors_know_their_row,
           metrics_count)
