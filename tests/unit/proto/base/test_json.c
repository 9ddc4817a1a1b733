/* SPDX-License-Identifier: MPL-2.0 */
/*  json - the public collection of parser tests where it is at hand, and our own limits
 */

#include "proto/base/json.h"
#include "tests/support/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/*  Valid JSON that we refuse on purpose: ambiguous, or impossible to store. */
static const char *const s_refused [] = {
    "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json",       /* duplicate keys */
    "y_object_escaped_null_in_key.json", "y_string_null_escape.json",               /* NUL */
};

static bool
s_wanted (const char *name)
{
    for (size_t at = 0; at < sizeof s_refused / sizeof s_refused [0]; at++)
        if (strcmp (name, s_refused [at]) == 0)
            return false;
    return name [0] == 'y';
}

static char *
s_read (const char *folder, const char *name, size_t *size)
{
    static char text [200000];
    char path [800];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen (path, "rb");
    ck_assert_ptr_nonnull (file);
    *size = fread (text, 1, sizeof text, file);
    fclose (file);
    char *exact = malloc (*size + 1);           /* so that a read past the end is noticed */
    ck_assert_ptr_nonnull (exact);
    memcpy (exact, text, *size);
    char *fitted = realloc (exact, *size? *size: 1);
    return fitted? fitted: exact;
}

START_TEST (parses_what_is_json_and_nothing_else)
{
    const char *folder = unit_collection ("json-parsing");
    if (!folder)
        return;
    DIR *files = opendir (folder);
    ck_assert_ptr_nonnull (files);
    size_t count = 0;
    struct dirent *file;
    while ((file = readdir (files))) {
        if (!strstr (file->d_name, ".json"))
            continue;
        size_t size;
        size_t offset = 0;
        char *text = s_read (folder, file->d_name, &size);
        cf_error_t error = { CF_OK, "" };
        cf_json_t *value = cf_json_parse_at (text, size, &error, &offset);
        if (file->d_name [0] != 'i')            /* i_: either answer is right, as long as there is one */
            ck_assert_msg ((value != NULL) == s_wanted (file->d_name), "%s %s", file->d_name, error.text);
        ck_assert_msg (value || error.code == CF_ERROR_INVALID, "%s", file->d_name);
        ck_assert_msg (value || offset <= size, "%s: offset %zu of %zu", file->d_name, offset, size);
        json_decref (value);
        free (text);
        count++;
    }
    closedir (files);
    printf ("JSON parsing: %zu files\n", count);
    ck_assert_uint_gt (count, 250);
}
END_TEST

static cf_json_t *
s_parse (const char *text, size_t *offset)
{
    cf_error_t error = { CF_OK, "" };
    return cf_json_parse_at (text, strlen (text), &error, offset);
}

START_TEST (bounds_the_depth)
{
    char text [CF_JSON_MAX_DEPTH * 2 + 8] = "";
    size_t offset = 0;
    memset (text, '[', CF_JSON_MAX_DEPTH);
    memset (text + CF_JSON_MAX_DEPTH, ']', CF_JSON_MAX_DEPTH);
    cf_json_t *value = s_parse (text, &offset);
    ck_assert_ptr_nonnull (value);
    json_decref (value);
    memset (text, '[', CF_JSON_MAX_DEPTH + 1);
    ck_assert_ptr_null (s_parse (text, &offset));
    ck_assert_uint_eq (offset, CF_JSON_MAX_DEPTH);
    value = s_parse ("[\"[[[\\\"[[[\"]", &offset);
    ck_assert_ptr_nonnull (value);
    json_decref (value);
}
END_TEST

START_TEST (says_where_it_stopped)
{
    size_t offset = 0;
    ck_assert_ptr_null (s_parse ("{\"a\": 1, \"b\": x}", &offset));
    ck_assert_uint_ge (offset, 14);
    ck_assert_uint_le (offset, 15);
    ck_assert_ptr_null (s_parse ("{\"a\": \"\\u0000\"}", &offset));
    ck_assert_ptr_null (cf_json_parse ("\"a\0b\"", 5, NULL));
    ck_assert_ptr_null (cf_json_parse ("1\0", 2, NULL));
    ck_assert_ptr_null (cf_json_parse ("\0" "1", 2, NULL));
    ck_assert_ptr_null (cf_json_parse ("", 0, NULL));
    cf_error_t error = { CF_OK, "" };
    ck_assert_ptr_null (cf_json_load ("/nonexistent.json", &error));
    ck_assert_ptr_nonnull (strstr (error.text, "/nonexistent.json"));
}
END_TEST

START_TEST (prints_what_it_parsed)
{
    static const char *const texts [] = {
        "{\"b\":1,\"a\":[true,false,null,\"\xC3\xA9\\n\\\"\"]}", "1", "\"x\"", "[]", "{\"c\":-5,\"d\":0.5}",
    };
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++) {
        cf_json_t *value = cf_json_parse (texts [at], strlen (texts [at]), NULL);
        char *text = cf_json_print (value);
        ck_assert_str_eq (text, texts [at]);
        cf_buf_t buf;
        cf_buf_init (&buf, 1000);
        ck_assert_int_eq (cf_json_print_to (value, &buf), 0);
        ck_assert_str_eq (buf.bytes, texts [at]);
        cf_buf_free (&buf);
        cf_buf_init (&buf, 2);
        if (strlen (text) > 2)
            ck_assert_int_eq (cf_json_print_to (value, &buf), -1);
        cf_buf_free (&buf);
        free (text);
        json_decref (value);
    }
}
END_TEST

START_TEST (reads_members)
{
    size_t offset = 0;
    cf_json_t *value = s_parse ("{\"s\":\"x\",\"i\":7,\"r\":0.5,\"b\":true,\"n\":null}", &offset);
    ck_assert_str_eq (cf_json_str (value, "s", "-"), "x");
    ck_assert_str_eq (cf_json_str (value, "i", "-"), "-");
    ck_assert_ptr_null (cf_json_str (NULL, "s", NULL));
    ck_assert_ptr_eq (cf_json_member (value, "i"), json_object_get (value, "i"));
    ck_assert_ptr_null (cf_json_member (value, "n"));
    ck_assert_ptr_null (cf_json_member (value, "absent"));
    ck_assert_ptr_null (cf_json_member (NULL, "i"));
    ck_assert_int_eq (cf_json_int (value, "i", 1), 7);
    ck_assert_int_eq (cf_json_int (value, "r", 1), 1);
    ck_assert (cf_json_real (value, "r", 0) > 0.4 && cf_json_real (value, "i", 0) > 6.9);
    ck_assert (cf_json_bool (value, "b", false));
    ck_assert (cf_json_bool (value, "n", true));
    json_decref (value);
}
END_TEST

UNIT_MAIN ("json", parses_what_is_json_and_nothing_else, bounds_the_depth, says_where_it_stopped, prints_what_it_parsed,
           reads_members)
