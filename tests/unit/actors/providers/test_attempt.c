/* SPDX-License-Identifier: MPL-2.0 */
/*  attempt - how long a provider asks to be left alone */

#include "actors/providers/attempt.h"
#include "tests/support/unit.h"

static uint32_t
s_wait_ms (const char *headers)
{
    cf_http_response_t response = { .status = 429 };
    cf_buf_init (&response.headers, 1000);
    cf_buf_puts (&response.headers, headers);
    uint32_t wait_ms = cf_attempt_retry_after_ms (&response, UINT64_C (1795392829000000));   /* Mon, 23 Nov 2026 00:13:49 GMT */
    cf_buf_free (&response.headers);
    return wait_ms;
}

START_TEST (reads_all_forms_of_retry_after)
{
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: 7\r\n\r\n"), 7000);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nretry-after: 0.5\r\n\r\n"), 500);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nretry-after: 7\r\nretry-after-ms: 120.7\r\n\r\n"), 120);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: Mon, 23 Nov 2026 00:13:59 GMT\r\n\r\n"), 10000);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: Mon, 23 Nov 2026 00:13:39 GMT\r\n\r\n"), 0);
}
END_TEST

START_TEST (believes_no_nonsense)
{
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\n\r\n"), 0);
    ck_assert_uint_eq (s_wait_ms (""), 0);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: -3\r\n\r\n"), 0);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: nan\r\n\r\n"), 0);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: soon\r\n\r\n"), 0);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: 1e30\r\n\r\n"), 86400000);
}
END_TEST

UNIT_MAIN ("attempt", reads_all_forms_of_retry_after, believes_no_nonsense)
