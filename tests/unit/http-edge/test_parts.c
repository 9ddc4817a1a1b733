/* SPDX-License-Identifier: MPL-2.0 */
/*  parts - cookies, preferences, frames, the raw head: small parsers of what clients send */

#include "http-edge/cookie.h"
#include "http-edge/cors.h"
#include "http-edge/frame.h"
#include "http-edge/guard.h"
#include "http-edge/prefer.h"
#include "tests/support/unit.h"

#include <string.h>

static const char *
s_cookie (const char *header)
{
    static char text [64];
    const char *value = NULL;
    size_t size = 0;
    if (!cf_cookie_find (header, strlen (header), "csrf_token", &value, &size))
        return NULL;
    memcpy (text, value, size);
    text [size] = 0;
    return text;
}

START_TEST (finds_cookies)
{
    ck_assert_str_eq (s_cookie ("csrf_token=abc"), "abc");
    ck_assert_str_eq (s_cookie ("a=b; csrf_token=abc; c=d"), "abc");
    ck_assert_str_eq (s_cookie ("a=b;csrf_token=abc  "), "abc");
    ck_assert_str_eq (s_cookie ("csrf_token="), "");
    ck_assert_str_eq (s_cookie ("csrf_token=a=b"), "a=b");
    ck_assert_ptr_null (s_cookie (""));
    ck_assert_ptr_null (s_cookie (";;; "));
    ck_assert_ptr_null (s_cookie ("xcsrf_token=abc"));
    ck_assert_ptr_null (s_cookie ("csrf_tokenx=abc"));
    ck_assert_ptr_null (s_cookie ("csrf_token"));
    ck_assert_ptr_null (s_cookie ("a=csrf_token=abc"));
}
END_TEST

START_TEST (makes_csrf_values)
{
    char one [CF_COOKIE_CSRF_SIZE], two [CF_COOKIE_CSRF_SIZE];
    for (int count = 0; count < 200; count++) {
        ck_assert_uint_eq (strlen (cf_cookie_csrf_new (one)), 64);
        ck_assert_uint_eq (strspn (one, "0123456789abcdef"), 64);
        ck_assert_str_ne (one, cf_cookie_csrf_new (two));
    }
}
END_TEST

START_TEST (compares_origins_exactly)
{
    ck_assert_int_eq (cf_cors_init ("http://localhost:3000, https://app.example"), 0);
    ck_assert_str_eq (cf_cors_allowed ("https://app.example", 19), "https://app.example");
    ck_assert_ptr_null (cf_cors_allowed ("https://app.example.evil", 24));
    ck_assert_ptr_null (cf_cors_allowed ("https://app.exampl", 18));
    ck_assert_ptr_null (cf_cors_allowed ("http://app.example", 18));
    ck_assert_ptr_null (cf_cors_allowed ("HTTPS://app.example", 19));
    ck_assert_ptr_null (cf_cors_allowed ("null", 4));
    ck_assert_int_eq (cf_cors_init ("*"), -1);
    ck_assert_int_eq (cf_cors_init ("https://*.example"), -1);
    ck_assert_int_eq (cf_cors_init ("https://app.example/"), -1);
    ck_assert_int_eq (cf_cors_init (""), 0);
    ck_assert_ptr_null (cf_cors_allowed ("", 0));
}
END_TEST

static int
s_wait (const char *value)
{
    uint32_t seconds = 0;
    return cf_prefer_wait (value, strlen (value), &seconds)? (int) seconds: -1;
}

START_TEST (reads_preferences)
{
    ck_assert_int_eq (s_wait ("wait=10"), 10);
    ck_assert_int_eq (s_wait ("respond-async, wait=5"), 5);
    ck_assert_int_eq (s_wait ("WAIT = \"7\" ; x=y"), 7);
    ck_assert_int_eq (s_wait ("wait=600"), 60);
    ck_assert_int_eq (s_wait ("wait=99999999999999999999"), 60);
    ck_assert_int_eq (s_wait ("wait=0"), 0);
    static const char *const none [] = { "", "wait", "wait=", "wait=x", "wait=1x", "wait=\"1", "waiting=3", "respond-async", "wait=-1", ",,," };
    for (size_t at = 0; at < sizeof none / sizeof none [0]; at++)
        ck_assert_msg (s_wait (none [at]) == -1, "%s", none [at]);
    static const char *const later [] = { "respond-async", "Respond-Async", "wait=5,respond-async", " respond-async ; foo=bar", ",respond-async,", "x, respond-async" };
    static const char *const now [] = { "", ",", "respond", "respond-asynchronously", "respond-async=1", "x respond-async", "respond-async x" };
    for (size_t at = 0; at < sizeof later / sizeof later [0]; at++)
        ck_assert_msg (cf_prefer_async (later [at], strlen (later [at])), "%s", later [at]);
    for (size_t at = 0; at < sizeof now / sizeof now [0]; at++)
        ck_assert_msg (!cf_prefer_async (now [at], strlen (now [at])), "%s", now [at]);
}
END_TEST

START_TEST (frames_events)
{
    cf_buf_t buf;
    cf_buf_init (&buf, 1000);
    cf_frame_put_retry (&buf, 2000);
    cf_frame_put (&buf, 7, "progress", "{\"a\":1}");
    cf_frame_put (&buf, CF_FRAME_NO_ID, "token", "one\ntwo\r\nthree\rfour");
    cf_frame_put_comment (&buf);
    ck_assert_str_eq (buf.bytes, "retry: 2000\n\nid: 7\nevent: progress\ndata: {\"a\":1}\n\n"
                      "event: token\ndata: one\ndata: two\ndata: three\ndata: four\n\n:\n\n");
    cf_buf_reset (&buf);
    cf_frame_put (&buf, 1, "x", "");
    ck_assert_str_eq (buf.bytes, "id: 1\nevent: x\ndata: \n\n");
    cf_buf_free (&buf);
    cf_buf_init (&buf, 20);
    ck_assert_int_eq (cf_frame_put (&buf, 1, "progress", "0123456789"), -1);
    cf_buf_free (&buf);
}
END_TEST

static const char *
s_guard (const char *head)
{
    size_t size;
    return cf_guard_check (head, strlen (head), &size);
}

START_TEST (guards_the_raw_head)
{
    size_t size = 0;
    const char *whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody: x\r\n";
    ck_assert_ptr_null (cf_guard_check (whole, strlen (whole), &size));
    ck_assert_uint_eq (size, strlen (whole) - 9);
    static const char *const right [] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde",
        "POST / HTTP/1.1\nhost:a\ncontent-length:\t5 \n\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    };
    static const char *const wrong [] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "",
    };
    for (size_t at = 0; at < sizeof right / sizeof right [0]; at++)
        ck_assert_msg (!s_guard (right [at]), "%s: %s", right [at], s_guard (right [at]));
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++)
        ck_assert_msg (s_guard (wrong [at]) != NULL, "%s", wrong [at]);
}
END_TEST

UNIT_MAIN ("parts", finds_cookies, makes_csrf_values, compares_origins_exactly, reads_preferences, frames_events, guards_the_raw_head)
