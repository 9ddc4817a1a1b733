/* SPDX-License-Identifier: MPL-2.0 */
/*  scan - beside the parser: what one takes the other takes, whatever the bytes */

#include "actors/providers/scan.h"
#include "proto/base/json.h"
#include "tests/support/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static bool
s_accepts (const char *text, size_t size)
{
    cf_scan_t scan;
    cf_scan_init (&scan, text, size);
    cf_slice_t value = cf_scan_skip (&scan);
    return cf_scan_done (&scan) && value.text != NULL;
}

/*  Decodes a string; NULL where it is none, else to be freed. */
static char *
s_decode (const char *text, size_t size)
{
    cf_buf_t out;
    cf_buf_init (&out, 100000);
    if (s_accepts (text, size) && cf_slice_decode ((cf_slice_t) { text, size }, &out) == 0)
        return cf_buf_take (&out);
    cf_buf_free (&out);
    return NULL;
}

START_TEST (takes_what_is_json_and_nothing_else)
{
    static const char *const good [] = {
        "0", "-0", "12", "1.5", "1e9", "1.25E-3", "true", "false", "null", "\"\"", "\"a\\\"b\"", "\"\\\\\"", "[]", "{}", " [ 1 , [ ] , { } ] ",
        "{\"a\":{\"b\":[{\"c\":null}]},\"d\":\"}\"}", "[[[[]]],[[]]]", "[{\"a\":[]},{\"b\":[[]]}]\n"
    };
    static const char *const bad [] = {
        "", " ", "01", "-", "1.", ".5", "1e", "+1", "tru", "nul", "True", "\"", "\"\\\"", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "{\"a\"", "{\"a\":",
        "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{\"a\" 1}", "{1:1}", "{a:1}", "{\"a\":1]", "[1}", "[}", "{]", "1 2", "[] []", "{\"a\":[}", "'a'"
    };
    for (size_t at = 0; at < sizeof good / sizeof good [0]; at++)
        ck_assert_msg (s_accepts (good [at], strlen (good [at])), "%s", good [at]);
    for (size_t at = 0; at < sizeof bad / sizeof bad [0]; at++)
        ck_assert_msg (!s_accepts (bad [at], strlen (bad [at])), "%s", bad [at]);
}
END_TEST

START_TEST (bounds_depth)
{
    char text [200];
    memset (text, '[', 65);
    memset (text + 65, ']', 65);
    ck_assert (!s_accepts (text, 130));
    ck_assert (s_accepts (text + 1, 128));
}
END_TEST

START_TEST (walks_members_and_items)
{
    static const char text [] = " { \"a\" : 1 , \"b\\\"\" : [ \"x\" , { \"c\" : [ ] } ] , \"d\" : { } } ";
    cf_scan_t scan;
    cf_slice_t key;
    cf_scan_init (&scan, text, strlen (text));
    ck_assert (!cf_scan_enter (&scan, '[') && cf_scan_enter (&scan, '{'));
    ck_assert (cf_scan_member (&scan, &key) && cf_slice_is (key, "a"));
    ck_assert_uint_eq (cf_slice_u32 (cf_scan_skip (&scan), 7), 1);
    ck_assert (cf_scan_member (&scan, &key) && cf_scan_enter (&scan, '['));
    ck_assert (cf_scan_item (&scan) && cf_slice_is (cf_scan_skip (&scan), "x"));
    ck_assert (cf_scan_item (&scan) && cf_scan_enter (&scan, '{'));
    ck_assert (cf_scan_member (&scan, &key) && cf_slice_is (key, "c") && cf_scan_enter (&scan, '['));
    ck_assert (!cf_scan_item (&scan) && !cf_scan_member (&scan, &key) && !cf_scan_item (&scan));
    ck_assert (cf_scan_member (&scan, &key) && cf_slice_is (key, "d") && cf_scan_enter (&scan, '{'));
    ck_assert (!cf_scan_member (&scan, &key) && !cf_scan_member (&scan, &key) && cf_scan_done (&scan));
}
END_TEST

START_TEST (reads_numbers_within_range)
{
    static const struct { const char *text; uint32_t number; } cases [] = {
        { "0", 0 }, { "4294967295", UINT32_MAX }, { "4294967296", 7 }, { "99999999999999999999999", 7 }, { "-1", 7 }, { "1.5", 7 }, { "null", 7 }, { "", 7 }
    };
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++)
        ck_assert_uint_eq (cf_slice_u32 ((cf_slice_t) { cases [at].text, strlen (cases [at].text) }, 7), cases [at].number);
}
END_TEST

START_TEST (decodes_strings_as_the_parser_does)
{
    static const char *const texts [] = {
        "\"plain\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0041\\u00e9\\u20ac\\ud83d\\udc0e\"", "\"\xC5\xBD \xF0\x9F\x90\x8E\"", "\"a\\u0000b\"", "\"\\ud83d\"",
        "\"\\ud83dx\"", "\"\\ud83d\\u0041\"", "\"\\udc0e\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\x\"", "\"\n\"", "\"\x01\"", "\"\xFF\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
        "\"\xF5\x80\x80\x80\"", "\"\xC5\"", "\"\xE2\x82\"", "\"\x7f\"", "\"tail\\\\\"", "\"\\uD83D\\uDC0E\""
    };
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++) {
        cf_json_t *expected = cf_json_parse (texts [at], strlen (texts [at]), NULL);
        char *decoded = s_decode (texts [at], strlen (texts [at]));
        ck_assert_msg ((decoded != NULL) == (expected != NULL), "%s", texts [at]);
        if (decoded)
            ck_assert_str_eq (decoded, json_string_value (expected));
        free (decoded);
        json_decref (expected);
    }
}
END_TEST

/*  Of the public suite of texts: y_ must be taken, n_ refused; what is wrong inside a string shows when it is decoded. */
static void
s_check_file (const char *folder, const char *name)
{
    char path [512];
    static char text [300000];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen (path, "r");
    size_t size = fread (text, 1, sizeof text, file);
    fclose (file);
    bool accepted = s_accepts (text, size);
    ck_assert_msg (name [0] != 'y' || accepted, "%s", name);
    bool in_string = strstr (name, "string") || strstr (name, "utf") || strstr (name, "key") || strstr (name, "surrogate");
    ck_assert_msg (name [0] != 'n' || !accepted || in_string, "%s", name);
}

START_TEST (agrees_with_the_public_suite)
{
    const char *folder = unit_collection ("json-parsing");
    if (!folder)
        return;
    DIR *files = opendir (folder);
    ck_assert_ptr_nonnull (files);
    for (struct dirent *entry = readdir (files); entry; entry = readdir (files))
        if (strchr ("yn", *entry->d_name))
            s_check_file (folder, entry->d_name);
    closedir (files);
}
END_TEST

UNIT_MAIN ("scan", takes_what_is_json_and_nothing_else, bounds_depth, walks_members_and_items, reads_numbers_within_range,
           decodes_strings_as_the_parser_does, agrees_with_the_public_suite)
