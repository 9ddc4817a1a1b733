/* SPDX-License-Identifier: MPL-2.0 */
/*  head - what h2o's parser takes, at once and byte by byte */

#include "http-edge/head.h"
#include "tests/support/unit.h"

#include <h2o.h>
#include <stdio.h>
#include <string.h>

static cf_head_t
s_look (const char *text)
{
    return cf_head_look (text, strlen (text), 0);
}

START_TEST (knows_whole_heads_from_parts)
{
    static const char head [] = "POST /v1/projects/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    for (size_t size = 0; size < sizeof head - 1; size++)
        ck_assert_int_eq (cf_head_look (head, size, size? size - 1: 0), CF_HEAD_PART);
    ck_assert_int_eq (s_look (head), CF_HEAD_WHOLE);
    ck_assert_int_eq (s_look ("GET / HTTP/1.0\n\n"), CF_HEAD_WHOLE);
    ck_assert_int_eq (s_look ("GET / HTTP/1.1\r\nHost: a\r\n\r\nhello"), CF_HEAD_WHOLE);
}
END_TEST

START_TEST (refuses_what_is_not_http_1)
{
    static const char *const broken [] = {
        "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nX: a\x01\r\n\r\n", "\r\n\r\n", "GET /\x7f HTTP/1.1\r\n\r\n"
    };
    for (size_t at = 0; at < sizeof broken / sizeof broken [0]; at++)
        ck_assert_msg (s_look (broken [at]) == CF_HEAD_BROKEN, "%s", broken [at]);
}
END_TEST

START_TEST (bounds_heads)
{
    static char head [CF_HEAD_MAX_BYTES + 100];
    size_t size = (size_t) snprintf (head, sizeof head, "GET / HTTP/1.1\r\n");
    for (int line = 0; line <= H2O_MAX_HEADERS; line++)
        size += (size_t) snprintf (head + size, sizeof head - size, "X-%d: y\r\n", line);
    ck_assert_int_eq (cf_head_look (head, size, 0), CF_HEAD_CROWDED);
    size = (size_t) snprintf (head, sizeof head, "GET / HTTP/1.1\r\nX: ");
    memset (head + size, 'y', sizeof head - size);
    ck_assert_int_eq (cf_head_look (head, CF_HEAD_MAX_BYTES, 0), CF_HEAD_PART);
    ck_assert_int_eq (cf_head_look (head, CF_HEAD_MAX_BYTES + 1, CF_HEAD_MAX_BYTES), CF_HEAD_CROWDED);
}
END_TEST

UNIT_MAIN ("head", knows_whole_heads_from_parts, refuses_what_is_not_http_1, bounds_heads)
