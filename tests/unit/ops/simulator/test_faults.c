/* SPDX-License-Identifier: MPL-2.0 */
/*  faults - directives, rules, counts */

#include "ops/simulator/faults.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

static cf_faults_t s_faults;

static cf_directives_t
s_take (const char *idea, const char *visible)
{
    char text [400];
    cf_directives_t directives;
    snprintf (text, sizeof text, "%s", idea);
    cf_directives_take (&directives, text);
    ck_assert_str_eq (text, visible);
    return directives;
}

START_TEST (names_lead_there_and_back)
{
    static const char *const names [] = {
        "status401", "status503", "quota", "context_length", "reset", "silent", "stall", "cut", "length", "badchunk", "nodone", "fenced", "refusal", "invalid_json",
        "invalid_schema", "content_filter", "error_in_stream", "none",
    };
    cf_fault_t fault;
    char text [CF_FAULT_NAME_SIZE];
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++) {
        ck_assert_int_eq (cf_fault_parse (names [at], &fault), 0);
        ck_assert_str_eq (cf_fault_name (fault, text), names [at]);
    }
    static const char *const wrong [] = { "status", "status200", "status5000", "statusx", "cuts", "no" };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++)
        ck_assert_int_eq (cf_fault_parse (wrong [at], &fault), -1);
}
END_TEST

START_TEST (directives_count_and_vanish)
{
    cf_faults_reset (&s_faults, 7);
    cf_directives_t directives = s_take ("a poll [[sim fault=cut count=2 agent=code]] for us [[sim latency=50]]", "a poll for us");
    ck_assert_uint_eq (directives.count, 2);
    ck_assert_int_eq (cf_faults_choose (&s_faults, "openai", "qa", "a poll for us", &directives).fault.kind, CF_FAULT_NONE);
    for (int turn = 0; turn < 3; turn++) {
        cf_fate_t fate = cf_faults_choose (&s_faults, "openai", "code", "a poll for us", &directives);
        ck_assert_int_eq (fate.fault.kind, turn < 2? CF_FAULT_CUT: CF_FAULT_NONE);
        ck_assert_uint_eq (fate.latency_ms, 50);
    }
    s_take ("[[sim", "[[sim");
    s_take ("[[sim]]", "");
    s_take ("x [[sim latency=-5 fault=nosuch count= =]]", "x");
    s_take ("no directive ", "no directive ");
}
END_TEST

START_TEST (answers_are_flawed_as_often_as_asked)
{
    cf_faults_reset (&s_faults, 0);
    cf_directives_t directives = s_take ("x [[sim qa_fail=1]]", "x");
    ck_assert (!cf_faults_choose (&s_faults, "openai", "code", "x", &directives).flawed);
    ck_assert (cf_faults_choose (&s_faults, "openai", "qa", "x", &directives).flawed);
    ck_assert (cf_faults_choose (&s_faults, "openai", "qa", "x", &directives).flawed);      /* the first one never ended */
    cf_faults_answered (&s_faults, "qa", &directives);
    ck_assert (!cf_faults_choose (&s_faults, "openai", "qa", "x", &directives).flawed);
    directives = s_take ("y [[sim pedagogy_code=1]]", "y");
    cf_faults_answered (&s_faults, "qa", &directives);      /* none of its business */
    ck_assert (cf_faults_choose (&s_faults, "openai", "pedagogy", "y", &directives).flawed);
    cf_faults_answered (&s_faults, "pedagogy", &directives);
    ck_assert (!cf_faults_choose (&s_faults, "openai", "pedagogy", "y", &directives).flawed);
}
END_TEST

static int
s_configure (const char *text)
{
    cf_error_t error = { 0 };
    cf_json_t *document = cf_json_parse (text, strlen (text), &error);
    int rc = cf_faults_configure (&s_faults, document, &error);
    json_decref (document);
    return rc;
}

START_TEST (rules_match_and_run_out)
{
    static const cf_directives_t none;
    cf_faults_reset (&s_faults, 0);
    ck_assert_int_eq (s_configure ("{\"latency_ms\":20}"), 0);
    ck_assert_int_eq (s_configure ("{\"fault\":\"status500\",\"count\":1,\"match\":{\"agent\":\"qa\",\"contains\":\"kite\"}}"), 0);
    ck_assert_int_eq (cf_faults_choose (&s_faults, "openai", "qa", "boats", &none).fault.kind, CF_FAULT_NONE);
    ck_assert_int_eq (cf_faults_choose (&s_faults, "openai", "code", "kites", &none).fault.kind, CF_FAULT_NONE);
    ck_assert_int_eq (cf_faults_choose (&s_faults, "openai", "qa", "kites", &none).fault.status, 500);
    cf_fate_t fate = cf_faults_choose (&s_faults, "openai", "qa", "kites", &none);
    ck_assert_int_eq (fate.fault.kind, CF_FAULT_NONE);
    ck_assert_uint_eq (fate.latency_ms, 20);
    ck_assert_int_eq (s_configure ("{\"fault\":\"silent\"}"), 0);
    ck_assert_int_eq (cf_faults_choose (&s_faults, "openai", CF_FAULTS_EMBEDDING, "kites", &none).fault.kind, CF_FAULT_NONE);
    ck_assert_int_eq (s_configure ("{\"fault\":null}"), 0);
    ck_assert_int_eq (cf_faults_choose (&s_faults, "openai", "qa", "kites", &none).fault.kind, CF_FAULT_NONE);
    ck_assert_int_eq (s_configure ("{\"fault\":\"nosuch\"}"), -1);
    ck_assert_int_eq (s_configure ("[]"), -1);
    ck_assert_int_eq (s_configure ("{\"match\":5}"), -1);
    ck_assert_int_eq (s_configure ("{\"latency_ms\":99999999}"), -1);
    for (int rule = 0; rule < CF_FAULTS_MAX_RULES; rule++)
        ck_assert_int_eq (s_configure ("{\"fault\":\"cut\"}"), 0);
    ck_assert_int_eq (s_configure ("{\"fault\":\"cut\"}"), -1);
}
END_TEST

START_TEST (counters_are_bounded)
{
    cf_faults_reset (&s_faults, 0);
    for (int number = 0; number < 3 * CF_FAULTS_COUNTERS; number++) {
        char idea [80], visible [40];
        snprintf (idea, sizeof idea, "idea %d [[sim fault=cut]]", number);
        snprintf (visible, sizeof visible, "idea %d", number);
        cf_directives_t directives = s_take (idea, visible);
        ck_assert_int_eq (cf_faults_choose (&s_faults, "openai", "qa", visible, &directives).fault.kind, CF_FAULT_CUT);
        ck_assert_int_eq (cf_faults_choose (&s_faults, "openai", "qa", visible, &directives).fault.kind, CF_FAULT_NONE);
    }
}
END_TEST

UNIT_MAIN ("faults", names_lead_there_and_back, directives_count_and_vanish, answers_are_flawed_as_often_as_asked, rules_match_and_run_out, counters_are_bounded)
