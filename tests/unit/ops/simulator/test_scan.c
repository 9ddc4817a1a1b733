/* SPDX-License-Identifier: MPL-2.0 */
/*  scan - walking, escapes, and whatever is not JSON */

#include "ops/simulator/scan.h"
#include "tests/support/unit.h"

#include <string.h>

static bool
s_well_formed (const char *text)
{
    char *copy = strndup (text, strlen (text));         /* exact size, so that a read beyond it is seen */
    cf_scan_t scan;
    cf_scan_init (&scan, copy, strlen (text));
    bool good = cf_scan_skip (&scan, NULL) && cf_scan_done (&scan);
    free (copy);
    return good;
}

START_TEST (takes_json)
{
    static const char *const texts [] = {
        "{}", "[]", " { \"a\" : [ 1 , -2.5e3 , true , false , null , \"x\" ] } ", "\"\\u00e9\\n\\\"\"", "0", "[[[{\"a\":{\"b\":[]}}]]]",
        "{\"a\":{},\"b\":[],\"c\":\"\"}", "\"a longer string without any escape in it at all\"",
    };
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++)
        ck_assert_msg (s_well_formed (texts [at]), "%s", texts [at]);
}
END_TEST

START_TEST (refuses_what_is_none)
{
    static const char *const texts [] = {
        "", " ", "{", "[", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "\"", "\"\\\"", "\"\\x\"", "\"\x01\"", "tru", "nulll", "-",
        "[1}", "{\"a\":1]", "{} {}", "1 2", "'a'", "[,1]", "\"\\",
    };
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++)
        ck_assert_msg (!s_well_formed (texts [at]), "%s", texts [at]);
    char deep [4001];
    memset (deep, '[', 4000);
    deep [4000] = 0;
    ck_assert (!s_well_formed (deep));
}
END_TEST

START_TEST (survives_every_cut_of_a_text)
{
    const char *text = "{\"a\":[1,{\"b\":\"x\\u0041\\\\ yz\"},null],\"c\":{\"d\":true}}";
    for (size_t size = 0; size < strlen (text); size++) {
        char *cut = strndup (text, size);
        ck_assert (!s_well_formed (cut));
        free (cut);
    }
    ck_assert (s_well_formed (text));
}
END_TEST

START_TEST (finds_members_and_resolves_escapes)
{
    const char *text = "{\"skip\":{\"name\":1},\"name\":\"a\\u00e9\\ud83d\\ude00\\n\\/\\ud800\"}";
    cf_slice_t value;
    ck_assert (cf_scan_lookup ((cf_slice_t) { text, strlen (text) }, "name", &value));
    cf_buf_t out;
    cf_buf_init (&out, 100);
    ck_assert_int_eq (cf_scan_unescape ((cf_slice_t) { value.text + 1, value.size - 2 }, &out), 0);
    ck_assert_str_eq (out.bytes, "a\xC3\xA9\xF0\x9F\x98\x80\n/\xEF\xBF\xBD");
    cf_buf_free (&out);
    ck_assert (!cf_scan_lookup ((cf_slice_t) { text, strlen (text) }, "other", &value));
    ck_assert (!cf_scan_lookup ((cf_slice_t) { "[1]", 3 }, "other", &value));
}
END_TEST

UNIT_MAIN ("scan", takes_json, refuses_what_is_none, survives_every_cut_of_a_text, finds_members_and_resolves_escapes)
