/* SPDX-License-Identifier: MPL-2.0 */
/*  serve - one answer to each call, the same again to a call that comes again, within bounds; nothing it cannot refuse */

#include "tests/unit/actors/lib/worker.h"

#define KEPT_MAX 8192                   /* as in serve.c */

WORLD_ROLES ({ "worker", worker_play })

static struct {
    size_t replies, failures;
    cf_error_code_t code;               /* of the last failure */
    char state [32];                    /* of the last reply */
    uint32_t number;
} heard;

static void
s_on_answer (void *arg, const cf_envelope_t *envelope, const void *bytes, size_t size)
{
    (void) arg;
    if (envelope->kind == CF_KIND_FAILED) {
        heard.failures++;
        heard.code = cf_error_from ((uint32_t) envelope->number);
        return;
    }
    cf_breaker_says_t *says = cf_codec_decode (envelope->message, bytes, size, NULL);
    ck_assert_ptr_nonnull (says);
    heard.replies++;
    heard.number = says->wait_ms;
    snprintf (heard.state, sizeof heard.state, "%.31s", says->state);
    cf_codec_free (&says);
}

/*  Sends a CALL as the runtime would, or sends it again. */
static void
s_send (uint64_t number, const char *command)
{
    cf_envelope_t envelope = { .kind = CF_KIND_CALL, .message = CF_BREAKER_ASK, .call = number, .to = "qa", .deadline_ms = WORKER_TIMEOUT_MS };
    cf_body_t *body = cf_body_new (CF_BREAKER_ASK, &(cf_breaker_ask_t) { .provider = command });
    world_until (cf_link_send (world.link, &envelope, body) == 0);
    cf_body_unref (&body);
}

static void
s_begin (void)
{
    world_begin ();
    memset (&heard, 0, sizeof heard);
    world_actor ("worker", "qa", 1);
    cf_link_listen (world.link, CF_KIND_REPLY, s_on_answer, NULL);
    cf_link_listen (world.link, CF_KIND_FAILED, s_on_answer, NULL);
}

/*  The broker answers for a call that it knows; a new one asks the callee. */
static void
s_renew_broker (void)
{
    uint64_t epoch = cf_link_epoch (world.link);
    world_kill_broker ();
    world_start_broker ();
    world_until (cf_link_epoch (world.link) != epoch);
}

START_TEST (an_answered_call_is_answered_from_memory)
{
    s_begin ();
    s_send (7, "hello");
    world_until (heard.replies == 1);
    ck_assert_uint_eq (heard.number, 0);
    s_send (7, "hello");
    world_until (heard.replies == 2);
    ck_assert_uint_eq (heard.number, 0);        /* as the first time */
    s_renew_broker ();
    s_send (7, "hello");
    world_until (heard.replies == 3);
    ck_assert_uint_eq (heard.number, 0);
    s_send (8, "hello");
    world_until (heard.replies == 4);
    ck_assert_uint_eq (heard.number, 1);        /* only two were done */
    world_end ();
}
END_TEST

START_TEST (a_failure_is_remembered_too)
{
    s_begin ();
    s_send (7, "fail");
    world_until (heard.failures == 1);
    s_send (7, "fail");
    world_until (heard.failures == 2);
    ck_assert_int_eq (heard.code, CF_ERROR_INVALID);
    s_send (8, "hello");
    world_until (heard.replies == 1);
    ck_assert_uint_eq (heard.number, 1);
    world_end ();
}
END_TEST

START_TEST (a_call_in_work_is_not_begun_again)
{
    s_begin ();
    s_send (7, "hold work");
    world_wrote ("work", "begin");
    s_renew_broker ();
    s_send (7, "hold work");
    s_send (7, "hold work");
    world_note ("go", "go");
    world_until (heard.replies >= 1);           /* each of them may be answered, with the same */
    s_send (8, "hello");
    world_until (heard.number == 1);            /* the second that was done */
    ck_assert_int_eq (world_count ("work", "begin"), 1);
    world_end ();
}
END_TEST

START_TEST (no_more_answers_are_kept_than_allowed)
{
    s_begin ();
    for (uint64_t number = 1; number <= KEPT_MAX + 1; number++)
        s_send (number, "hello");
    world_until (heard.replies == KEPT_MAX + 1);
    s_send (KEPT_MAX, "hello");
    world_until (heard.replies == KEPT_MAX + 2);
    ck_assert_uint_eq (heard.number, KEPT_MAX - 1);
    s_send (1, "hello");                        /* forgotten: done again */
    world_until (heard.replies == KEPT_MAX + 3);
    ck_assert_uint_eq (heard.number, KEPT_MAX + 1);
    world_end ();
}
END_TEST

START_TEST (no_more_bytes_are_kept_than_allowed)
{
    s_begin ();
    s_send (1, "hello");
    world_until (heard.replies == 1);
    for (uint64_t number = 2; number <= 10; number++)
        s_send (number, "large 1000000");
    world_until (heard.replies == 10);
    s_send (10, "large 1000000");
    world_until (heard.replies == 11);
    s_send (1, "hello");
    world_until (heard.replies == 12);
    ck_assert_uint_eq (heard.number, 10);       /* the tenth of the large ones was not done again */
    world_end ();
}
END_TEST

START_TEST (no_answer_is_an_error_and_a_second_one_is_none)
{
    s_begin ();
    s_send (1, "mute");
    world_until (heard.failures == 1);
    ck_assert_int_eq (heard.code, CF_ERROR_INTERNAL);
    s_send (2, "twice");
    s_send (3, "hello");
    world_until (heard.replies == 2);
    ck_assert_uint_eq (heard.number, 2);
    world_end ();
}
END_TEST

START_TEST (too_large_an_answer_is_an_error)
{
    s_begin ();
    s_send (1, "large 17000000");
    world_until (heard.failures == 1);
    ck_assert_int_eq (heard.code, CF_ERROR_INTERNAL);
    world_end ();
}
END_TEST

START_TEST (what_is_not_for_us_is_refused)
{
    s_begin ();
    cf_envelope_t envelope = { .kind = CF_KIND_CALL, .call = 1, .to = "qa", .deadline_ms = WORKER_TIMEOUT_MS };
    cf_body_t *body = cf_body_new (CF_JOB_READ, &(cf_job_read_t) { 0 });
    cf_link_send (world.link, &envelope, body);
    world_until (heard.failures == 1);
    ck_assert_int_eq (heard.code, CF_ERROR_BAD_MESSAGE);
    cf_body_unref (&body);
    body = cf_body_new (CF_BREAKER_REPORT, &(cf_breaker_report_t) { .provider = "x" });
    envelope.call = 2;
    cf_link_send (world.link, &envelope, body);
    world_until (heard.failures == 2);
    ck_assert_int_eq (heard.code, CF_ERROR_BAD_MESSAGE);
    cf_body_unref (&body);
    s_send (3, "hello");
    world_until (heard.replies == 1);
    world_end ();
}
END_TEST

START_TEST (a_cancelled_call_is_answered_once)
{
    s_begin ();
    s_send (1, "hold work");
    world_wrote ("work", "begin");
    cf_envelope_t cancel = { .kind = CF_KIND_CANCEL, .call = 1, .to = "qa" };
    cf_link_send (world.link, &cancel, NULL);
    world_until (heard.failures == 1);
    ck_assert_int_eq (heard.code, CF_ERROR_CANCELLED);
    world_wrote ("work", "CANCELLED");
    s_send (2, "hello");
    world_until (heard.replies == 1);
    ck_assert_uint_eq (heard.failures, 1);
    world_end ();
}
END_TEST

UNIT_MAIN ("serve", an_answered_call_is_answered_from_memory, a_failure_is_remembered_too, a_call_in_work_is_not_begun_again,
           no_more_answers_are_kept_than_allowed, no_more_bytes_are_kept_than_allowed, no_answer_is_an_error_and_a_second_one_is_none,
           too_large_an_answer_is_an_error, what_is_not_for_us_is_refused, a_cancelled_call_is_answered_once)
