/* SPDX-License-Identifier: MPL-2.0 */
/*  peel - what is around a document is dropped, what is half of one is none */

#include "actors/lib/peel.h"
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

static void
s_takes (const char *text, const char *expected)
{
    cf_error_t error = { 0 };
    cf_json_t *object = cf_peel_object (text, &error);
    ck_assert_msg (object != NULL, "%s: %s", text, error.text);
    char *printed = cf_json_print (object);
    ck_assert_str_eq (printed, expected);
    free (printed);
    json_decref (object);
}

static void
s_refuses (const char *text, const char *why)
{
    cf_error_t error = { 0 };
    cf_json_t *object = cf_peel_object (text, &error);
    ck_assert_msg (!object, "%s was taken", text);
    ck_assert_int_eq (error.code, CF_ERROR_MODEL_INVALID);
    ck_assert_msg (strstr (error.text, why) != NULL, "%s: %s", text, error.text);
}

START_TEST (peels_fences_and_words)
{
    s_takes ("{\"a\":1}", "{\"a\":1}");
    s_takes (" \n{\"a\":1}\n ", "{\"a\":1}");
    s_takes ("```json\n{\"a\":1}\n```", "{\"a\":1}");
    s_takes ("Here it is:\n```\n{\"a\":{\"b\":[1]}}\n```\nI hope {that} helps.", "{\"a\":{\"b\":[1]}}");
    s_takes ("I kept {braces} and {\"x\":1}: {\"a\":\"} { \\\" {\",\"b\":2}", "{\"a\":\"} { \\\" {\",\"b\":2}");
    s_takes ("\xEF\xBB\xBF{\"a\":\"\xC3\xA4\"}", "{\"a\":\"\xC3\xA4\"}");
    s_takes ("[{\"a\":1}]", "{\"a\":1}");
}
END_TEST

START_TEST (closes_nothing)
{
    static const char whole [] = "{\"files\":[{\"path\":\"a\",\"content\":\"}}]\"},{\"path\":\"b\",\"content\":\"\\\"\"}],\"summary\":\"ok\"}";
    char part [sizeof whole];
    s_takes (whole, whole);
    for (size_t size = 0; size + 1 < sizeof whole; size++) {      /* no beginning of it is a document, nor is anything within */
        memcpy (part, whole, size);
        part [size] = 0;
        s_refuses (part, size? "never closed": "no JSON object");
    }
    s_refuses ("{\"a\":1} and then {\"b\":2", "never closed");
}
END_TEST

START_TEST (refuses_what_is_none)
{
    s_refuses ("", "no JSON object");
    s_refuses ("I cannot do that.", "no JSON object");
    s_refuses ("[1,2]", "no JSON object");
    s_refuses ("}{", "never closed");
    s_refuses ("{a: 1}", "no JSON:");
    s_refuses ("{\"a\":1,}", "no JSON:");
    s_refuses ("{\"a\":1,\"a\":2}", "no JSON:");
    s_refuses ("{'a': \"}\"}", "no JSON:");
}
END_TEST

START_TEST (takes_its_time_by_the_length_alone)
{
    size_t size = 2u << 20;
    char *text = malloc (size + 1);
    for (size_t at = 0; at < size; at++)
        text [at] = "{}" [at % 2];
    text [size] = 0;
    s_takes (text, "{}");
    memset (text, '{', size);
    s_refuses (text, "never closed");
    free (text);
}
END_TEST

UNIT_MAIN ("peel", peels_fences_and_words, closes_nothing, refuses_what_is_none, takes_its_time_by_the_length_alone)
