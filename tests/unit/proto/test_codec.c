/* SPDX-License-Identifier: MPL-2.0 */
/*  codec - every message goes round; nothing malformed gets through */

#include "proto/codec.h"
#include "tests/support/unit.h"

#include <string.h>

#define UUID "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7b"

/*  Gives every field of a message a value that its type allows. */
static void
s_fill (const cf_message_row_t *row, char *fields)
{
    static const float vector [4] = { 1, 2, 3, 4 };
    for (size_t index = 0; index < row->field_count; index++) {
        void *at = fields + row->fields [index].offset;
        switch (row->fields [index].type) {
            case CF_FIELD_bool: *(bool *) at = true; break;
            case CF_FIELD_u32: *(uint32_t *) at = UINT32_MAX - (uint32_t) index; break;
            case CF_FIELD_u64: *(uint64_t *) at = UINT64_MAX - index; break;
            case CF_FIELD_i64: *(int64_t *) at = INT64_MIN + (int64_t) index; break;
            case CF_FIELD_f64: *(double *) at = 0.125 * (double) index; break;
            case CF_FIELD_uuid: *(const char **) at = UUID; break;
            case CF_FIELD_json: *(const char **) at = "{\"a\":[1,2]}"; break;
            case CF_FIELD_str: case CF_FIELD_secret: *(const char **) at = "caf\xC3\xA9 of some length, longer than thirty-one bytes"; break;
            case CF_FIELD_bin: case CF_FIELD_vec: *(cf_bytes_t *) at = (cf_bytes_t) { vector, sizeof vector }; break;
        }
    }
}

START_TEST (every_message_goes_round)
{
    const cf_message_row_t *row;
    for (size_t at = 0; (row = cf_message_row_at (at)); at++) {
        char *fields = calloc (1, row->struct_size);
        s_fill (row, fields);
        cf_buf_t first, second, text;
        cf_buf_init (&first, 1 << 20);
        cf_buf_init (&second, 1 << 20);
        cf_buf_init (&text, 1 << 20);
        ck_assert_int_eq (cf_codec_encode (row->id, fields, &first), 0);
        cf_error_t error;
        void *decoded = cf_codec_decode (row->id, first.bytes, first.size, &error);
        ck_assert_msg (decoded != NULL, "%s: %s", row->name, error.text);
        cf_codec_encode (row->id, decoded, &second);
        ck_assert_uint_eq (first.size, second.size);
        ck_assert_int_eq (memcmp (first.bytes, second.bytes, first.size), 0);
        cf_codec_print (row->id, decoded, 16, &text);
        ck_assert_int_eq (strncmp (text.bytes, row->name, strlen (row->name)), 0);
        cf_codec_free (&decoded);
        ck_assert_ptr_null (decoded);
        cf_buf_free (&first);
        cf_buf_free (&second);
        cf_buf_free (&text);
        free (fields);
    }
}
END_TEST

/*  Every strict prefix and every one-byte extension of a valid body is refused, and so is each body under a wrong id. */
START_TEST (wrong_length_is_refused)
{
    const cf_message_row_t *row;
    for (size_t at = 0; (row = cf_message_row_at (at)); at++) {
        char *fields = calloc (1, row->struct_size);
        s_fill (row, fields);
        cf_buf_t body;
        cf_buf_init (&body, 1 << 20);
        cf_codec_encode (row->id, fields, &body);
        for (size_t size = 0; size < body.size; size++)
            ck_assert_ptr_null (cf_codec_decode (row->id, body.bytes, size, NULL));
        cf_buf_putc (&body, 0);
        ck_assert_ptr_null (cf_codec_decode (row->id, body.bytes, body.size, NULL));
        cf_buf_free (&body);
        free (fields);
    }
}
END_TEST

/*  Mutated bodies are refused or decoded, never crash: the sanitizers watch. */
START_TEST (mutations_are_survived)
{
    unsigned seed = 12345;
    cf_model_call_t call = { .agent = "qa", .step = "qa", .stage = "qa", .system = "be strict", .input = "<data>", .schema = "qa",
                             .max_tokens = 8000, .temperature = 0.1 };
    cf_buf_t body;
    cf_buf_init (&body, 1 << 20);
    cf_codec_encode (CF_MODEL_CALL, &call, &body);
    for (int round = 0; round < 20000; round++) {
        char copy [512];
        memcpy (copy, body.bytes, body.size);
        for (int change = 0; change < 1 + round % 4; change++)
            copy [(unsigned) rand_r (&seed) % body.size] = (char) rand_r (&seed);
        void *decoded = cf_codec_decode (CF_MODEL_CALL, copy, body.size, NULL);
        cf_codec_free (&decoded);
    }
    cf_buf_free (&body);
}
END_TEST

START_TEST (a_hostile_array_header_allocates_nothing)
{
    cf_error_t error;
    ck_assert_ptr_null (cf_codec_decode (CF_JOB_READ, "\xDD\xFF\xFF\xFF\xFF", 5, &error));
    ck_assert_int_eq (error.code, CF_ERROR_BAD_MESSAGE);
    ck_assert_ptr_null (cf_codec_decode (9999, "", 0, &error));
}
END_TEST

START_TEST (a_uuid_must_be_one_and_text_has_no_nul)
{
    cf_job_journal_t ask = { .job = "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7g" };
    cf_buf_t body;
    cf_buf_init (&body, 1024);
    cf_codec_encode (CF_JOB_JOURNAL, &ask, &body);
    ck_assert_ptr_null (cf_codec_decode (CF_JOB_JOURNAL, body.bytes, body.size, NULL));
    ck_assert_ptr_null (cf_codec_decode (CF_BREAKER_ASK, "\x91\xA3" "a\0b", 5, NULL));
    cf_buf_free (&body);
}
END_TEST

START_TEST (absent_strings_are_empty)
{
    cf_buf_t body;
    cf_buf_init (&body, 1024);
    cf_codec_encode (CF_FAILURE, &(cf_failure_t) { 0 }, &body);
    cf_failure_t *failure = cf_codec_decode (CF_FAILURE, body.bytes, body.size, NULL);
    ck_assert_str_eq (failure->text, "");
    ck_assert_str_eq (failure->details, "");
    cf_codec_free (&failure);
    cf_buf_free (&body);
}
END_TEST

/*  Replies and events name no reply; a request's reply is answered by its caller. */
START_TEST (the_table_is_consistent)
{
    const cf_message_row_t *row;
    for (size_t at = 0; (row = cf_message_row_at (at)); at++) {
        ck_assert_ptr_eq (cf_message_row (row->id), row);
        ck_assert_msg (row->field_count <= 16, "%s has more fields than the codec takes", row->name);
        if (row->reply != CF_NONE)
            ck_assert_int_eq (cf_message_row (row->reply)->handled_by, CF_ACTOR_CALLER);
        if (row->handled_by >= CF_ACTOR_CALLER)
            ck_assert_int_eq (row->reply, CF_NONE);
    }
    ck_assert_ptr_null (cf_message_row (0));
}
END_TEST

UNIT_MAIN ("codec", every_message_goes_round, wrong_length_is_refused, mutations_are_survived,
           a_hostile_array_header_allocates_nothing, a_uuid_must_be_one_and_text_has_no_nul, absent_strings_are_empty,
           the_table_is_consistent)
