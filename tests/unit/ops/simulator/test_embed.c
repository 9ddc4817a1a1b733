/* SPDX-License-Identifier: MPL-2.0 */
/*  embed - length, nearness, and requests of every form */

#include "ops/simulator/embed.h"
#include "proto/base/json.h"
#include "tests/support/unit.h"

#include <math.h>
#include <string.h>

static double
s_nearness (const char *first, const char *second)
{
    static float a [CF_EMBED_DIMENSIONS], b [CF_EMBED_DIMENSIONS];
    double sum = 0;
    cf_embed_text ((cf_slice_t) { first, strlen (first) }, a, CF_EMBED_DIMENSIONS);
    cf_embed_text ((cf_slice_t) { second, strlen (second) }, b, CF_EMBED_DIMENSIONS);
    for (size_t at = 0; at < CF_EMBED_DIMENSIONS; at++)
        sum += (double) a [at] * (double) b [at];
    return sum;
}

START_TEST (similar_texts_are_near)
{
    const char *habit = "a habit tracker with streaks for students";
    ck_assert_double_eq_tol (s_nearness (habit, habit), 1, 1e-5);
    ck_assert_double_eq_tol (s_nearness ("", ""), 1, 1e-5);
    ck_assert_double_gt (s_nearness (habit, "tracking habits and streaks, for a student"), 0.5);
    ck_assert_double_lt (fabs (s_nearness (habit, "quarterly tax report of a shipping company")), 0.2);
    ck_assert_double_gt (s_nearness (habit, "habit streaks"), s_nearness (habit, "budget planner for students"));
}
END_TEST

/*  The answer to a body; NULL where it is refused. */
static cf_json_t *
s_answer (const char *body)
{
    char model [80], about [200];
    cf_error_t error = { 0 };
    cf_buf_t out;
    cf_buf_init (&out, 64u << 20);
    cf_json_t *answer = NULL;
    if (cf_embed_answer (body, strlen (body), &out, model, about, &error) == 0) {
        answer = cf_json_parse (out.bytes, out.size, &error);
        ck_assert_msg (answer != NULL, "%s", error.text);
    }
    cf_buf_free (&out);
    return answer;
}

START_TEST (answers_every_form)
{
    static const struct { const char *body; size_t vectors, dimensions; } rows [] = {
        { "{\"model\":\"m\",\"input\":\"one\"}", 1, CF_EMBED_DIMENSIONS }, { "{\"input\":[\"a\",\"b\",\"c\"],\"model\":\"m\",\"dimensions\":3}", 3, 3 },
        { "{\"model\":\"m\",\"input\":[1,2,3],\"dimensions\":4}", 1, 4 }, { "{\"model\":\"m\",\"input\":[[1,2],[3]],\"dimensions\":4}", 2, 4 },
        { "{\"model\":\"m\",\"input\":\"x\",\"dimensions\":null,\"encoding_format\":\"float\"}", 1, CF_EMBED_DIMENSIONS },
    };
    for (size_t at = 0; at < sizeof rows / sizeof rows [0]; at++) {
        cf_json_t *answer = s_answer (rows [at].body), *vectors = json_object_get (answer, "data");
        ck_assert_uint_eq (json_array_size (vectors), rows [at].vectors);
        ck_assert_uint_eq (json_array_size (json_object_get (json_array_get (vectors, 0), "embedding")), rows [at].dimensions);
        json_decref (answer);
    }
    cf_json_t *answer = s_answer ("{\"model\":\"m\",\"input\":\"one\",\"dimensions\":2,\"encoding_format\":\"base64\"}");
    ck_assert_uint_eq (strlen (cf_json_str (json_array_get (json_object_get (answer, "data"), 0), "embedding", "")), 12);
    json_decref (answer);
}
END_TEST

START_TEST (refuses_what_makes_no_sense)
{
    static const char *const bodies [] = {
        "", "{}", "[]", "{\"model\":\"m\"}", "{\"input\":\"x\"}", "{\"model\":\"m\",\"input\":\"\"}", "{\"model\":\"m\",\"input\":[]}",
        "{\"model\":\"m\",\"input\":[\"a\",\"\"]}", "{\"model\":\"m\",\"input\":null}", "{\"model\":\"m\",\"input\":{}}",
        "{\"model\":\"m\",\"input\":\"x\",\"dimensions\":0}", "{\"model\":\"m\",\"input\":\"x\",\"dimensions\":99999}", "{\"model\":\"m\",\"input\":\"x\"",
    };
    for (size_t at = 0; at < sizeof bodies / sizeof bodies [0]; at++)
        ck_assert_msg (s_answer (bodies [at]) == NULL, "%s", bodies [at]);
}
END_TEST

UNIT_MAIN ("embed", similar_texts_are_near, answers_every_form, refuses_what_makes_no_sense)
