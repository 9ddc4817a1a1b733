/* SPDX-License-Identifier: MPL-2.0 */
/*  embedding - literals read back as the vector they were, odd vectors refused, the last texts kept, one call for the same text */

#include "actors/recall/embedding.h"
#include "tests/support/unit.h"

#include <math.h>
#include <string.h>

static float s_vector [CF_EMBEDDING_DIMENSIONS];

static int
s_print (cf_buf_t *out, size_t size)
{
    cf_error_t error = { 0 };
    cf_buf_init (out, CF_EMBEDDING_LITERAL_BYTES);
    int rc = cf_embedding_print (s_vector, size, out, &error);
    ck_assert_int_eq (error.code, rc? CF_ERROR_PROVIDER_SETTINGS: CF_OK);
    return rc;
}

START_TEST (a_literal_reads_back)
{
    static const float values [] = { 0, 1, -1, 0.5f, -0.0213f, 8.9999999f, 1e-7f, 1e-9f, -3e-8f, 0.1f, 9, -9.5f, 123456.7f, 1e30f, -1e-30f };
    for (size_t at = 0; at < CF_EMBEDDING_DIMENSIONS; at++)
        s_vector [at] = at < sizeof values / sizeof values [0]? values [at]: sinf ((float) at) / 10;
    cf_buf_t text;
    ck_assert_int_eq (s_print (&text, sizeof s_vector), 0);
    ck_assert_int_eq (text.bytes [0], '[');
    char *at = text.bytes + 1;
    for (size_t index = 0; index < CF_EMBEDDING_DIMENSIONS; index++, at++) {
        double value = strtod (at, &at);
        double allowed = fabs ((double) s_vector [index]) >= 9? fabs ((double) s_vector [index]) * 1e-6: 5.1e-9;
        ck_assert_msg (fabs (value - (double) s_vector [index]) <= allowed, "%g for %g", value, (double) s_vector [index]);
        ck_assert_int_eq (*at, index + 1 < CF_EMBEDDING_DIMENSIONS? ',': ']');
    }
    ck_assert_int_eq (*at, 0);
    cf_buf_free (&text);
}
END_TEST

START_TEST (the_largest_vector_fits)
{
    for (size_t at = 0; at < CF_EMBEDDING_DIMENSIONS; at++)
        s_vector [at] = -1.234567e-38f * 1e30f * -1e38f;
    cf_buf_t text;
    ck_assert_int_eq (s_print (&text, sizeof s_vector), 0);
    cf_buf_free (&text);
}
END_TEST

START_TEST (odd_vectors_are_refused)
{
    cf_buf_t text;
    memset (s_vector, 0, sizeof s_vector);
    ck_assert_int_eq (s_print (&text, sizeof s_vector), -1);
    cf_buf_free (&text);
    s_vector [0] = 1;
    ck_assert_int_eq (s_print (&text, sizeof s_vector - 4), -1);
    cf_buf_free (&text);
    ck_assert_int_eq (s_print (&text, 0), -1);
    cf_buf_free (&text);
    s_vector [CF_EMBEDDING_DIMENSIONS - 1] = NAN;
    ck_assert_int_eq (s_print (&text, sizeof s_vector), -1);
    cf_buf_free (&text);
    s_vector [CF_EMBEDDING_DIMENSIONS - 1] = -INFINITY;
    ck_assert_int_eq (s_print (&text, sizeof s_vector), -1);
    cf_buf_free (&text);
}
END_TEST

START_TEST (a_text_is_cut_between_characters)
{
    char text [CF_EMBEDDING_TEXT_BYTES + 10];
    memset (text, 'a', sizeof text);
    text [CF_EMBEDDING_TEXT_BYTES] = 0;
    ck_assert_uint_eq (cf_embedding_text_size (text), CF_EMBEDDING_TEXT_BYTES);
    ck_assert_uint_eq (cf_embedding_text_size (""), 0);
    for (size_t inside = 0; inside < 4; inside++) {
        memset (text, 'a', sizeof text);
        memcpy (text + CF_EMBEDDING_TEXT_BYTES - inside, "\xF0\x9F\x98\x80", 4);
        text [sizeof text - 1] = 0;
        ck_assert_uint_eq (cf_embedding_text_size (text), CF_EMBEDDING_TEXT_BYTES - inside);
    }
}
END_TEST

START_TEST (the_last_texts_are_kept)
{
    cf_embeddings_t *kept = cf_embeddings_new (3);
    static const char *const texts [] = { "one", "two", "three", "four" };
    for (int at = 0; at < 3; at++) {
        s_vector [0] = (float) at;
        cf_embeddings_put (kept, texts [at], strlen (texts [at]), s_vector);
    }
    const float *found = cf_embeddings_lookup (kept, "one", 3);
    ck_assert_ptr_nonnull (found);
    float first;
    memcpy (&first, found, sizeof first);
    ck_assert (first == 0);
    cf_embeddings_put (kept, "four", 4, s_vector);
    ck_assert_ptr_null (cf_embeddings_lookup (kept, "two", 3));         /* "one" was asked for later */
    ck_assert_ptr_nonnull (cf_embeddings_lookup (kept, "one", 3));
    ck_assert_ptr_nonnull (cf_embeddings_lookup (kept, "three", 5));
    ck_assert_ptr_null (cf_embeddings_lookup (kept, "thre", 4));
    s_vector [0] = 9;
    cf_embeddings_put (kept, "one", 3, s_vector);
    found = cf_embeddings_lookup (kept, "one", 3);
    memcpy (&first, found, sizeof first);
    ck_assert (first == 9);
    ck_assert_ptr_nonnull (cf_embeddings_lookup (kept, "four", 4));
    cf_embeddings_destroy (&kept);
    cf_embeddings_destroy (&kept);
}
END_TEST

/* ---- several tasks ask at once ---- */

typedef struct {
    cf_embeddings_t *kept;
    const char *text;
    bool succeeds, asked, ended;
    int rc;
    float first;                        /* of the vector it was given */
    cf_error_t error;
} asker_t;

/*  What memory does: takes the vector that is known or made meanwhile, or makes it, which takes a while. */
static void
s_ask (cf_task_t *task, void *arg)
{
    asker_t *self = arg;
    const void *vector;
    cf_embedding_claim_t claim;
    self->rc = cf_embeddings_claim (self->kept, task, self->text, strlen (self->text), &claim, &vector, &self->error);
    if (self->rc == 0 && vector)
        memcpy (&self->first, vector, sizeof self->first);
    else if (self->rc == 0) {
        self->asked = true;
        cf_task_sleep (task, 20, &self->error);
        if (self->succeeds)
            cf_embeddings_put (self->kept, self->text, strlen (self->text), s_vector);
        cf_embeddings_release (self->kept, &claim);
    }
    self->ended = true;
}

static void
s_ask_all (asker_t *askers, size_t count, size_t cancelled)
{
    cf_loop_t *loop = cf_loop_new ();
    cf_embeddings_t *kept = cf_embeddings_new (8);
    s_vector [0] = 7;
    for (size_t at = 0; at < count; at++) {
        askers [at].kept = kept;
        cf_task_t *task = cf_task_start (loop, s_ask, &askers [at], NULL);
        if (at == cancelled)
            cf_task_cancel (task, CF_ERROR_CANCELLED);
    }
    for (size_t at = 0; at < count; at++)
        while (!askers [at].ended)
            cf_loop_turn (loop, 1000);
    cf_embeddings_destroy (&kept);
    cf_loop_destroy (&loop);
    cf_task_free_pool ();
}

START_TEST (who_asks_for_the_same_waits)
{
    asker_t askers [] = { { .text = "one", .succeeds = true }, { .text = "one" }, { .text = "two", .succeeds = true }, { .text = "one" } };
    s_ask_all (askers, 4, 4);
    ck_assert (askers [0].asked && askers [2].asked);
    ck_assert (!askers [1].asked && !askers [3].asked);
    ck_assert (askers [1].first == 7 && askers [3].first == 7);
}
END_TEST

START_TEST (who_waits_asks_where_the_other_failed)
{
    asker_t askers [] = { { .text = "one" }, { .text = "one", .succeeds = true }, { .text = "one" } };
    s_ask_all (askers, 3, 3);
    ck_assert (askers [0].asked && askers [1].asked && !askers [2].asked);
    ck_assert (askers [2].first == 7);
}
END_TEST

START_TEST (who_is_cancelled_waits_no_more)
{
    asker_t askers [] = { { .text = "one", .succeeds = true }, { .text = "one" }, { .text = "one" } };
    s_ask_all (askers, 3, 1);
    ck_assert_int_eq (askers [1].rc, -1);
    ck_assert_int_eq (askers [1].error.code, CF_ERROR_CANCELLED);
    ck_assert (askers [0].asked && askers [2].first == 7);
}
END_TEST

UNIT_MAIN ("embedding", a_literal_reads_back, the_largest_vector_fits, odd_vectors_are_refused, a_text_is_cut_between_characters,
           the_last_texts_are_kept, who_asks_for_the_same_waits, who_waits_asks_where_the_other_failed, who_is_cancelled_waits_no_more)
