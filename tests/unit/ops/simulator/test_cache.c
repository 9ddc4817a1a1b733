/* SPDX-License-Identifier: MPL-2.0 */
/*  cache - what is known, what gives way, what lives on while in use; journal - its ring and its counts */

#include "ops/simulator/cache.h"
#include "ops/simulator/journal.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

static cf_cache_t s_cache;

static cf_ask_t *
s_add (const char *body, size_t answer_bytes)
{
    uint64_t hash [2];
    cf_request_t request = { .model = "m" };
    cf_brief_t brief = { .agent = "qa", .idea = (char []) { "an idea" } };
    cf_cache_hash (body, strlen (body), hash);
    cf_ask_t *ask = cf_cache_add (&s_cache, hash, strlen (body), &request, &brief);
    cf_rendered_t *rendered = calloc (1, sizeof *rendered);
    cf_buf_init (&rendered->bytes, 64u << 20);
    memset (cf_buf_reserve (&rendered->bytes, answer_bytes), 'x', answer_bytes);
    rendered->bytes.size = answer_bytes;
    cf_cache_keep (&s_cache, ask, CF_VARIANT_PLAIN, rendered);
    return ask;
}

static cf_ask_t *
s_lookup (const char *body)
{
    uint64_t hash [2];
    cf_cache_hash (body, strlen (body), hash);
    return cf_cache_lookup (&s_cache, hash, strlen (body));
}

START_TEST (keeps_and_finds)
{
    cf_ask_t *ask = s_add ("one", 100), *again = s_lookup ("one");
    ck_assert_ptr_eq (ask, again);
    ck_assert_str_eq (again->agent, "qa");
    ck_assert_uint_eq (again->rendered [CF_VARIANT_PLAIN]->bytes.size, 100);
    ck_assert_ptr_null (s_lookup ("two"));
    cf_cache_release (&ask);
    cf_cache_release (&again);
    cf_cache_release (&again);
    cf_cache_clear (&s_cache);
    ck_assert_uint_eq (s_cache.bytes, 0);
}
END_TEST

START_TEST (gives_way_to_newer_ones_but_not_while_in_use)
{
    cf_ask_t *held = s_add ("held", 1u << 20);
    for (int number = 0; number < 100; number++) {
        char body [20];
        snprintf (body, sizeof body, "body %d", number);
        cf_ask_t *ask = s_add (body, 1u << 20);
        cf_cache_release (&ask);
        ck_assert_uint_le (s_cache.bytes, CF_CACHE_MAX_BYTES);
    }
    ck_assert_ptr_null (s_lookup ("held"));
    ck_assert_ptr_null (s_lookup ("body 0"));
    cf_ask_t *last = s_lookup ("body 99");
    ck_assert_ptr_nonnull (last);
    ck_assert_int_eq (held->rendered [CF_VARIANT_PLAIN]->bytes.bytes [1000], 'x');
    cf_cache_release (&held);
    cf_cache_release (&last);
    cf_cache_clear (&s_cache);
}
END_TEST

START_TEST (hashes_depend_on_every_byte)
{
    char body [70];
    uint64_t first [2], second [2];
    memset (body, 'a', sizeof body);
    cf_cache_hash (body, sizeof body, first);
    for (size_t at = 0; at < sizeof body; at++) {
        body [at] = 'b';
        cf_cache_hash (body, sizeof body, second);
        ck_assert (first [0] != second [0] && first [1] != second [1]);
        body [at] = 'a';
    }
    cf_cache_hash (body, sizeof body - 1, second);
    ck_assert (first [0] != second [0]);
}
END_TEST

START_TEST (journal_counts_and_forgets)
{
    cf_journal_t journal;
    cf_buf_t out;
    cf_buf_init (&out, 1u << 20);
    ck_assert_int_eq (cf_journal_init (&journal), 0);
    uint64_t first = cf_journal_open (&journal, "qa", "an idea of kites", "m", 1), second = cf_journal_open (&journal, "code", "boats \"x\"", "m", 2);
    cf_journal_close (&journal, first, CF_OUTCOME_FINISHED, "");
    cf_journal_print (&journal, "kites", 10, &out);
    ck_assert (strstr (out.bytes, "{\"total\":2,\"finished\":1,\"open\":1,\"cut\":0,\"faulted\":0,\"calls\":[{\"id\":1,") == out.bytes);
    ck_assert (!strstr (out.bytes, "boats") && strstr (out.bytes, "\"key\":\"0000000000000001\""));
    cf_journal_reset (&journal);
    cf_journal_close (&journal, second, CF_OUTCOME_CLIENT_CLOSED, "");
    for (int number = 0; number < CF_JOURNAL_CALLS + 5; number++)
        cf_journal_close (&journal, cf_journal_open (&journal, "qa", "x", "m", 3), CF_OUTCOME_FAULT, "cut");
    cf_buf_reset (&out);
    cf_journal_print (&journal, NULL, 2, &out);
    char expected [120];
    snprintf (expected, sizeof expected, "{\"total\":%d,\"finished\":0,\"open\":0,\"cut\":0,\"faulted\":%d,", CF_JOURNAL_CALLS + 5, CF_JOURNAL_CALLS + 5);
    ck_assert (strstr (out.bytes, expected) == out.bytes);
    ck_assert (strstr (out.bytes, "\"outcome\":\"fault:cut\"") != NULL);
    cf_journal_free (&journal);
    cf_buf_free (&out);
}
END_TEST

UNIT_MAIN ("cache", keeps_and_finds, gives_way_to_newer_ones_but_not_while_in_use, hashes_depend_on_every_byte, journal_counts_and_forgets)
