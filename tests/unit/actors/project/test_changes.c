/* SPDX-License-Identifier: MPL-2.0 */
/*  changes - what is read, what is refused, what becomes of NULs, languages, quotes and paths that come twice */

#include "actors/project/changes.h"
#include "tests/support/unit.h"

#include <string.h>

static void
s_refused (const char *text)
{
    cf_changes_t changes;
    cf_error_t error = { 0 };
    ck_assert_msg (cf_changes_parse (text, &changes, &error) == -1, "%s was taken", text);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    ck_assert_ptr_null (changes.document);
}

static cf_changes_t
s_taken (const char *text)
{
    cf_changes_t changes;
    cf_error_t error = { 0 };
    ck_assert_msg (cf_changes_parse (text, &changes, &error) == 0, "%s: %s", text, error.text);
    return changes;
}

START_TEST (every_member_is_read)
{
    cf_changes_t changes = s_taken (
        "{\"status\":\"in-progress\",\"requirements_spec\":{\"a\":1},\"architecture_spec\":{\"b\":[]},"
        "\"files\":[{\"file_path\":\"src/a.js\",\"content\":\"x\",\"language\":\"js\",\"explanation\":\"why\"}],"
        "\"message\":{\"role\":\"assistant\",\"content\":\"done\"}}");
    ck_assert_str_eq (changes.status, "in-progress");
    ck_assert_str_eq (changes.requirements, "{\"a\":1}");
    ck_assert_str_eq (changes.architecture, "{\"b\":[]}");
    ck_assert_uint_eq (changes.file_count, 1);
    ck_assert_str_eq (changes.paths, "{\"src/a.js\"}");
    ck_assert_str_eq (changes.contents, "{\"x\"}");
    ck_assert_str_eq (changes.languages, "{\"javascript\"}");
    ck_assert_str_eq (changes.role, "assistant");
    ck_assert_str_eq (changes.content, "done");
    cf_changes_free (&changes);
    cf_changes_free (&changes);
}
END_TEST

START_TEST (nothing_and_null_change_nothing)
{
    cf_changes_t changes = s_taken ("{}");
    ck_assert_ptr_null (changes.status);
    cf_changes_free (&changes);
    changes = s_taken ("{\"status\":null,\"files\":[],\"message\":null,\"requirements_spec\":null}");
    ck_assert (!changes.status && !changes.requirements && !changes.paths && !changes.role);
    cf_changes_free (&changes);
}
END_TEST

START_TEST (what_is_wrong_is_refused)
{
    s_refused ("");
    s_refused ("[]");
    s_refused ("{\"status\":\"deleted\"}");
    s_refused ("{\"status\":1}");
    s_refused ("{\"stauts\":\"building\"}");
    s_refused ("{\"requirements_spec\":\"text\"}");
    s_refused ("{\"architecture_spec\":[]}");
    s_refused ("{\"message\":{\"role\":\"robot\",\"content\":\"x\"}}");
    s_refused ("{\"message\":{\"role\":\"user\"}}");
    s_refused ("{\"message\":\"x\"}");
    s_refused ("{\"files\":{}}");
    s_refused ("{\"files\":[1]}");
    s_refused ("{\"files\":[{\"file_path\":\"a\"}]}");
    s_refused ("{\"files\":[{\"content\":\"a\"}]}");
}
END_TEST

START_TEST (unsafe_paths_are_refused)
{
    static const char *const paths [] = {
        "", ".", "..", "/a", "a/", "a//b", "../a", "a/..", "a/../b", "./a", "a/./b", "a b", "a\\\\b", "a:b", "\xC3\xA4", "a\\nb"
    };
    char text [1200], lengthy [600];
    for (size_t at = 0; at < sizeof paths / sizeof paths [0]; at++) {
        snprintf (text, sizeof text, "{\"files\":[{\"file_path\":\"%s\",\"content\":\"\"}]}", paths [at]);
        s_refused (text);
    }
    memset (lengthy, 'a', sizeof lengthy);
    lengthy [501] = 0;
    snprintf (text, sizeof text, "{\"files\":[{\"file_path\":\"%s\",\"content\":\"\"}]}", lengthy);
    s_refused (text);
    lengthy [500] = 0;
    snprintf (text, sizeof text, "{\"files\":[{\"file_path\":\"%s\",\"content\":\"\"},"
              "{\"file_path\":\"a..b/.env/...c\",\"content\":\"\"}]}", lengthy);
    cf_changes_t changes = s_taken (text);
    ck_assert_uint_eq (changes.file_count, 2);
    cf_changes_free (&changes);
}
END_TEST

START_TEST (content_is_bounded_in_characters)
{
    size_t most = 100000;
    char *text = malloc (most * 2 + 200), *to = text;
    ck_assert_ptr_nonnull (text);
    to += sprintf (to, "{\"files\":[{\"file_path\":\"a\",\"content\":\"");
    for (size_t at = 0; at < most; at++)
        to += sprintf (to, "\xC3\xA4");
    strcpy (to, "\"}]}");
    cf_changes_t changes = s_taken (text);
    cf_changes_free (&changes);
    strcpy (to, "x\"}]}");
    s_refused (text);
    free (text);
}
END_TEST

START_TEST (of_files_with_one_path_the_later_counts)
{
    cf_changes_t changes = s_taken (
        "{\"files\":[{\"file_path\":\"a\",\"content\":\"1\"},{\"file_path\":\"b\",\"content\":\"2\",\"language\":\"Python\"},"
        "{\"file_path\":\"a\",\"content\":\"3\",\"language\":\"TypeScript\"}]}");
    ck_assert_uint_eq (changes.file_count, 2);
    ck_assert_str_eq (changes.paths, "{\"b\",\"a\"}");
    ck_assert_str_eq (changes.contents, "{\"2\",\"3\"}");
    ck_assert_str_eq (changes.languages, "{\"text\",\"typescript\"}");
    cf_changes_free (&changes);
}
END_TEST

START_TEST (quotes_and_backslashes_stay_what_they_are)
{
    cf_changes_t changes = s_taken ("{\"files\":[{\"file_path\":\"a\",\"content\":\"\\\"{,}\\\\n\\n\"}]}");
    ck_assert_str_eq (changes.contents, "{\"\\\"{,}\\\\n\n\"}");
    cf_changes_free (&changes);
}
END_TEST

START_TEST (nul_characters_are_dropped)
{
    cf_changes_t changes = s_taken ("{\"message\":{\"role\":\"user\",\"content\":\"a\\u0000b\\\\u0000c\\\\\\u0000\"},"
                                    "\"requirements_spec\":{\"x\\u0000\":\"\\u0000\\u00001\"}}");
    ck_assert_str_eq (changes.content, "ab\\u0000c\\");
    ck_assert_str_eq (changes.requirements, "{\"x\":\"1\"}");
    cf_changes_free (&changes);
    s_refused ("{\"message\\u0000");
    s_refused ("\\u0000\\");
}
END_TEST

UNIT_MAIN ("changes", every_member_is_read, nothing_and_null_change_nothing, what_is_wrong_is_refused, unsafe_paths_are_refused,
           content_is_bounded_in_characters, of_files_with_one_path_the_later_counts, quotes_and_backslashes_stay_what_they_are,
           nul_characters_are_dropped)
