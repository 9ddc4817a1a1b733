/* SPDX-License-Identifier: MPL-2.0 */
/*  judge - what GitHub's answers mean: status, headers in any case, and words */

#include "actors/github/judge.h"
#include "tests/support/unit.h"

#define NOW_US UINT64_C (1795392829000000)      /* Mon, 23 Nov 2026 00:13:49 GMT */
#define DATE "Date: Mon, 23 Nov 2026 00:13:49 GMT\r\n"

static cf_judge_t
s_judge (long status, const char *headers, const char *body, uint64_t now_us)
{
    cf_http_response_t response = { .status = status };
    cf_buf_init (&response.headers, 4096);
    cf_buf_init (&response.body, 4096);
    cf_buf_printf (&response.headers, "HTTP/1.1 %ld X\r\n%s\r\n", status, headers);
    cf_buf_puts (&response.body, body);
    cf_judge_t judged = cf_judge_response (&response, now_us);
    cf_http_response_free (&response);
    return judged;
}

START_TEST (every_answer_has_a_meaning)
{
    static const struct { long status; const char *headers, *body; cf_judge_kind_t kind; uint64_t wait_ms; } cases [] = {
        { 200, "", "{}", CF_JUDGE_DONE, 0 },
        { 201, "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1795392899\r\n", "{}", CF_JUDGE_DONE, 0 },
        { 401, "", "{\"message\":\"Bad credentials\"}", CF_JUDGE_TOKEN, 0 },
        { 403, "", "{\"message\":\"Resource not accessible by personal access token\"}", CF_JUDGE_SCOPE, 0 },
        { 403, "x-ratelimit-remaining: 4999\r\nx-ratelimit-reset: 1795392899\r\n", "{\"message\":\"Forbidden\"}", CF_JUDGE_SCOPE, 0 },
        { 403, "", "not JSON", CF_JUDGE_SCOPE, 0 },
        { 403, "Retry-After: 7\r\n", "{}", CF_JUDGE_LIMITED, 7000 },
        { 403, "Retry-After: Mon, 23 Nov 2026 00:14:09 GMT\r\n", "{}", CF_JUDGE_LIMITED, 20000 },
        { 403, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1795392899\r\n", "{\"message\":\"API rate limit exceeded\"}", CF_JUDGE_LIMITED, 71000 },
        { 403, "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1795392000\r\n", "{}", CF_JUDGE_LIMITED, 1000 },
        { 403, "retry-after: 3\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1795392899\r\n", "{}", CF_JUDGE_LIMITED, 3000 },
        { 403, "", "{\"message\":\"You have exceeded a secondary rate limit. Please wait a few minutes.\"}", CF_JUDGE_LIMITED, 60000 },
        { 403, "", "{\"message\":\"You have triggered an abuse detection mechanism.\"}", CF_JUDGE_LIMITED, 60000 },
        { 429, "Retry-After: 1\r\n", "{}", CF_JUDGE_LIMITED, 1000 },
        { 429, "", "", CF_JUDGE_LIMITED, 60000 },
        { 404, "", "{\"message\":\"Not Found\"}", CF_JUDGE_MISSING, 0 },
        { 301, "Location: http://127.0.0.1/repositories/1\r\n", "{}", CF_JUDGE_MISSING, 0 },
        { 409, "", "{\"message\":\"Git Repository is empty.\"}", CF_JUDGE_CONFLICT, 0 },
        { 422, "", "{\"message\":\"Validation Failed\"}", CF_JUDGE_REFUSED, 0 },
        { 400, "", "", CF_JUDGE_REFUSED, 0 },
        { 413, "", "", CF_JUDGE_REFUSED, 0 },
        { 500, "", "", CF_JUDGE_DOWN, 0 },
        { 502, "", "<html>", CF_JUDGE_DOWN, 0 },
        { 503, "Retry-After: 30\r\n", "", CF_JUDGE_DOWN, 30000 },
        { 418, "", "", CF_JUDGE_DOWN, 0 },
    };
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        cf_judge_t judged = s_judge (cases [at].status, cases [at].headers, cases [at].body, NOW_US);
        ck_assert_msg (judged.kind == cases [at].kind && judged.wait_ms == cases [at].wait_ms, "%ld %s%s: %s %llu", cases [at].status,
                       cases [at].headers, cases [at].body, cf_judge_name (judged.kind), (unsigned long long) judged.wait_ms);
    }
}
END_TEST

START_TEST (the_reset_is_by_githubs_clock)
{
    uint64_t early_us = NOW_US - UINT64_C (3600000000);
    cf_judge_t judged = s_judge (403, DATE "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1795392839\r\n", "{}", early_us);
    ck_assert_int_eq (judged.kind, CF_JUDGE_LIMITED);
    ck_assert_uint_eq (judged.wait_ms, 11000);
    ck_assert_uint_eq (judged.date_us, NOW_US);
    ck_assert_uint_eq (s_judge (200, "", "{}", early_us).date_us, 0);
}
END_TEST

UNIT_MAIN ("judge", every_answer_has_a_meaning, the_reset_is_by_githubs_clock)
