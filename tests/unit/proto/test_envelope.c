/* SPDX-License-Identifier: MPL-2.0 */
/*  envelope - goes round, fits its maximum, refuses what is malformed */

#include "proto/envelope.h"
#include "tests/support/unit.h"

#include <string.h>

static cf_envelope_t
s_full (void)
{
    cf_envelope_t envelope = {
        .kind = CF_KIND_CALL, .message = 20, .call = UINT64_MAX, .priority = 9, .attempt = UINT32_MAX, .deadline_ms = UINT32_MAX,
        .number = UINT64_MAX, .sent_us = UINT64_MAX, .routed_us = UINT64_MAX,
        .job = "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7b", .user = "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7b",
        .trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    memset (envelope.from, 'f', sizeof envelope.from - 1);
    memset (envelope.to, 't', sizeof envelope.to - 1);
    memset (envelope.request, 'r', sizeof envelope.request - 1);
    return envelope;
}

START_TEST (goes_round_at_its_largest)
{
    cf_envelope_t before = s_full (), after;
    cf_buf_t frame;
    cf_buf_init (&frame, CF_ENVELOPE_MAX_BYTES);
    ck_assert_int_eq (cf_envelope_encode (&before, &frame), 0);
    ck_assert_int_eq (cf_envelope_decode (&after, frame.bytes, frame.size, NULL), 0);
    ck_assert_str_eq (after.from, before.from);
    ck_assert_str_eq (after.to, before.to);
    ck_assert_str_eq (after.request, before.request);
    ck_assert_uint_eq (after.number, before.number);
    ck_assert_uint_eq (after.deadline_ms, before.deadline_ms);
    cf_buf_free (&frame);
}
END_TEST

START_TEST (refuses_every_cut_and_bad_fields)
{
    cf_envelope_t envelope = s_full (), after;
    cf_buf_t frame;
    cf_buf_init (&frame, CF_ENVELOPE_MAX_BYTES + 1);
    cf_envelope_encode (&envelope, &frame);
    for (size_t size = 0; size < frame.size; size++)
        ck_assert_int_eq (cf_envelope_decode (&after, frame.bytes, size, NULL), -1);
    cf_buf_putc (&frame, 0);
    ck_assert_int_eq (cf_envelope_decode (&after, frame.bytes, frame.size, NULL), -1);

    static const struct { size_t offset; const char *value; } bad [] = {
        { offsetof (cf_envelope_t, job), "not-a-uuid" }, { offsetof (cf_envelope_t, user), "'; drop table" }
    };
    for (size_t at = 0; at < sizeof bad / sizeof bad [0]; at++) {
        envelope = s_full ();
        strcpy ((char *) &envelope + bad [at].offset, bad [at].value);
        cf_buf_reset (&frame);
        cf_envelope_encode (&envelope, &frame);
        ck_assert_int_eq (cf_envelope_decode (&after, frame.bytes, frame.size, NULL), -1);
    }
    envelope = s_full ();
    envelope.kind = 0;
    cf_buf_reset (&frame);
    cf_envelope_encode (&envelope, &frame);
    ck_assert_int_eq (cf_envelope_decode (&after, frame.bytes, frame.size, NULL), -1);
    cf_buf_free (&frame);
}
END_TEST

START_TEST (another_version_is_named)
{
    cf_envelope_t envelope = s_full (), after;
    cf_error_t error;
    cf_buf_t frame;
    cf_buf_init (&frame, CF_ENVELOPE_MAX_BYTES);
    cf_envelope_encode (&envelope, &frame);
    for (size_t at = 0; at < 8; at++)
        if (frame.bytes [at] == (char) 0xCF || frame.bytes [at] == CF_ENVELOPE_VERSION)
            frame.bytes [at] = frame.bytes [at] == CF_ENVELOPE_VERSION? CF_ENVELOPE_VERSION + 1: frame.bytes [at];
    ck_assert_int_eq (cf_envelope_decode (&after, frame.bytes, frame.size, &error), -1);
    ck_assert_ptr_nonnull (strstr (error.text, "version"));
    cf_buf_free (&frame);
}
END_TEST

START_TEST (tells_the_service_of_a_peer)
{
    char service [CF_ENVELOPE_NAME_SIZE];
    cf_envelope_service ("research.1.4711", service);
    ck_assert_str_eq (service, "research");
    cf_envelope_service ("cli", service);
    ck_assert_str_eq (service, "cli");
    ck_assert_str_eq (cf_envelope_kind_name (CF_KIND_GONE), "GONE");
    ck_assert_str_eq (cf_envelope_kind_name ((cf_kind_t) 99), "?");
}
END_TEST

UNIT_MAIN ("envelope", goes_round_at_its_largest, refuses_every_cut_and_bad_fields, another_version_is_named,
           tells_the_service_of_a_peer)
