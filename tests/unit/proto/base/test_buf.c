/* SPDX-License-Identifier: MPL-2.0 */
/*  buf - growth, the maximum, JSON escapes */

#include "proto/base/buf.h"
#include "tests/support/unit.h"

#include <string.h>

START_TEST (grows_and_keeps_its_content)
{
    cf_buf_t buf;
    cf_buf_init (&buf, 1000);
    for (int at = 0; at < 100; at++)
        ck_assert_int_eq (cf_buf_printf (&buf, "%02d", at), 0);
    ck_assert_uint_eq (buf.size, 200);
    ck_assert_int_eq (strncmp (buf.bytes, "000102", 6), 0);
    cf_buf_consume (&buf, 198);
    ck_assert_str_eq (buf.bytes, "99");
    cf_buf_free (&buf);
    cf_buf_free (&buf);
}
END_TEST

START_TEST (refuses_what_passes_its_maximum)
{
    cf_buf_t buf;
    cf_buf_init (&buf, 8);
    ck_assert_int_eq (cf_buf_append (&buf, "12345678", 8), 0);
    ck_assert_int_eq (cf_buf_putc (&buf, '9'), -1);
    ck_assert (buf.overflowed);
    ck_assert_str_eq (buf.bytes, "12345678");
    cf_buf_reset (&buf);
    ck_assert_int_eq (cf_buf_append (&buf, "x", (size_t) -1), -1);
    cf_buf_free (&buf);
}
END_TEST

START_TEST (escapes_json)
{
    cf_buf_t buf;
    cf_buf_init (&buf, 1000);
    cf_buf_put_json (&buf, "a\"b\\\n\x01\xC3\xA9\xFF", 9);
    ck_assert_str_eq (buf.bytes, "\"a\\\"b\\\\\\n\\u0001\xC3\xA9\xEF\xBF\xBD\"");
    cf_buf_free (&buf);
}
END_TEST

START_TEST (gives_its_bytes_away)
{
    cf_buf_t buf;
    cf_buf_init (&buf, 100);
    char *nothing = cf_buf_take (&buf);
    ck_assert_str_eq (nothing, "");
    cf_buf_puts (&buf, "kept");
    char *kept = cf_buf_take (&buf);
    ck_assert_str_eq (kept, "kept");
    ck_assert_uint_eq (buf.size, 0);
    free (nothing);
    free (kept);
}
END_TEST

UNIT_MAIN ("buf", grows_and_keeps_its_content, refuses_what_passes_its_maximum, escapes_json, gives_its_bytes_away)
