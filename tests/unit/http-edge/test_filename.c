/* SPDX-License-Identifier: MPL-2.0 */
/*  filename - a header that no title breaks */

#include "http-edge/filename.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

static void
s_check (const char *title, const char *expected)
{
    cf_buf_t out;
    cf_buf_init (&out, 4096);
    cf_filename_put (title, ".zip", &out);
    ck_assert_str_eq (out.bytes, expected);
    cf_buf_free (&out);
}

START_TEST (plain_titles_have_one_name)
{
    s_check ("Habit tracker", "attachment; filename=\"habit-tracker.zip\"");
    s_check ("a \"quoted\"; name\\ \r\nSet-Cookie: a=b", "attachment; filename=\"a-quoted-name-set-cookie-a-b.zip\"");
    s_check ("../../etc/passwd", "attachment; filename=\"etc-passwd.zip\"");
    s_check ("", "attachment; filename=\"app.zip\"");
}
END_TEST

START_TEST (others_keep_their_characters)
{
    s_check ("Größe", "attachment; filename=\"grose.zip\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.zip");
    s_check ("食谱 集", "attachment; filename=\"app.zip\"; filename*=UTF-8''%E9%A3%9F%E8%B0%B1%20%E9%9B%86.zip");
    s_check ("a 😀 (1)", "attachment; filename=\"a-1.zip\"; filename*=UTF-8''a%20%F0%9F%98%80%20%281%29.zip");
}
END_TEST

START_TEST (nothing_hides_in_a_name)
{
    s_check ("ä/..\\b:c*?\"<>|d", "attachment; filename=\"a-b-c-d.zip\"; filename*=UTF-8''%C3%A4-..-b-c------d.zip");
    s_check (" ..ä.. ", "attachment; filename=\"a.zip\"; filename*=UTF-8''%C3%A4.zip");
    s_check ("ä\r\nb\x7f\xC2\x85" "c", "attachment; filename=\"a-b-c.zip\"; filename*=UTF-8''%C3%A4bc.zip");
    s_check ("ä\u202Egpj.exe\u200B\uFEFF", "attachment; filename=\"a-gpj-exe.zip\"; filename*=UTF-8''%C3%A4gpj.exe.zip");
    s_check ("ä\xFF\xC3(\xE2\x82", "attachment; filename=\"a.zip\"; filename*=UTF-8''%C3%A4--%28-.zip");
}
END_TEST

START_TEST (long_titles_are_cut)
{
    char title [2 * 200 + 1];
    cf_buf_t out;
    cf_buf_init (&out, 4096);
    for (size_t at = 0; at < 200; at++)
        memcpy (title + 2 * at, "ä", 3);
    cf_filename_put (title, ".tar.gz", &out);
    const char *whole = strstr (out.bytes, "UTF-8''");
    ck_assert_uint_eq (strlen (whole), 7 + 6 * CF_FILENAME_POINTS + 7);
    ck_assert (!out.overflowed);
    cf_buf_free (&out);
}
END_TEST

UNIT_MAIN ("filename", plain_titles_have_one_name, others_keep_their_characters, nothing_hides_in_a_name, long_titles_are_cut)
