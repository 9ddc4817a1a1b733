/* SPDX-License-Identifier: MPL-2.0 */
/*  sse - the examples of the standard, each cut at every place, and the bounds */

#include "proto/base/buf.h"
#include "proto/base/sse.h"
#include "tests/support/unit.h"

#include <string.h>

static int
s_write_down (void *context, const cf_sse_event_t *event)
{
    ck_assert_uint_eq (strlen (event->data), event->size);
    return cf_buf_printf (context, "[%s|%s|%s]", event->id, event->event, event->data);
}

/*  Feeds stream in pieces of the given size, the first one of `first` bytes; what was delivered, to be freed. */
static char *
s_read (const char *stream, size_t size, size_t first, size_t piece)
{
    cf_buf_t seen;
    cf_buf_init (&seen, 10000);
    cf_sse_t *sse = cf_sse_new (1000, s_write_down, &seen);
    ck_assert_int_eq (cf_sse_feed (sse, stream, first), 0);
    for (size_t at = first; at < size; at += piece)
        ck_assert_int_eq (cf_sse_feed (sse, stream + at, piece < size - at? piece: size - at), 0);
    cf_sse_destroy (&sse);
    return cf_buf_take (&seen);
}

static void
s_check (const char *stream, const char *expected)
{
    size_t size = strlen (stream);
    for (size_t piece = 1; piece <= size; piece++)
        for (size_t first = 0; first <= (piece == size? size: 0); first++) {
            char *seen = s_read (stream, size, first, piece);
            ck_assert_str_eq (seen, expected);
            free (seen);
        }
}

START_TEST (reads_any_line_end_in_any_chunking)
{
    s_check ("data: one\n\ndata: two\n\n", "[|message|one][|message|two]");
    s_check ("data: one\r\rdata: two\r\r", "[|message|one][|message|two]");
    s_check ("data: one\r\n\r\ndata: two\r\n\r\n", "[|message|one][|message|two]");
    s_check ("data: one\r\n\ndata: two\r\r\n", "[|message|one][|message|two]");
}
END_TEST

START_TEST (reads_the_examples_of_the_standard)
{
    s_check ("data: YHOO\ndata: +2\ndata: 10\n\n", "[|message|YHOO\n+2\n10]");
    s_check (": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
             "[1|message|first event][|message|second event][|message| third event]");
    s_check ("data\n\ndata\ndata\n\ndata:", "[|message|][|message|\n]");
    s_check ("data:test\n\ndata: test\n\n", "[|message|test][|message|test]");
    s_check ("event: add\ndata: 73857293\n\ndata: x\n\n", "[|add|73857293][|message|x]");
}
END_TEST

START_TEST (skips_the_mark_and_what_it_does_not_know)
{
    s_check ("\xEF\xBB\xBF" "data: a\n\n", "[|message|a]");
    s_check ("\xEF\xBB" "data: a\n\ndata: b\n\n", "[|message|b]");
    s_check (":\n: ping\n\nunknown: x\nDATA: y\n:data: z\ndata: a\n\n", "[|message|a]");
    s_check ("event: lost\nid: 7\n\ndata: a\n\n", "[7|message|a]");
    s_check ("data: without an end\n", "");
    s_check ("id: 4\ndata: {\"a\": \"b:c\"}\n\ndata: y\n\n", "[4|message|{\"a\": \"b:c\"}][4|message|y]");
}
END_TEST

START_TEST (believes_only_sane_ids_and_pauses)
{
    static const char stream [] = "id: a\0b\nretry: 1500\nretry: 99999999999\nretry: 1x\nretry:\ndata: a\n\n";
    cf_buf_t seen;
    cf_buf_init (&seen, 1000);
    cf_sse_t *sse = cf_sse_new (1000, s_write_down, &seen);
    ck_assert_uint_eq (cf_sse_retry_ms (sse, 7), 7);
    ck_assert_int_eq (cf_sse_feed (sse, stream, sizeof stream - 1), 0);
    ck_assert_str_eq (seen.bytes, "[|message|a]");
    ck_assert_uint_eq (cf_sse_retry_ms (sse, 7), 1500);
    cf_sse_destroy (&sse);
    cf_buf_free (&seen);
}
END_TEST

START_TEST (goes_on_after_a_reconnect_with_its_id)
{
    cf_buf_t seen;
    cf_buf_init (&seen, 1000);
    cf_sse_t *sse = cf_sse_new (1000, s_write_down, &seen);
    cf_sse_feed (sse, "id: 5\ndata: a\n\nid: 6\ndata: cut", 29);
    cf_sse_restart (sse);
    ck_assert_str_eq (cf_sse_last_id (sse), "5");
    cf_sse_feed (sse, "data: b\n\n", 9);
    ck_assert_str_eq (seen.bytes, "[5|message|a][5|message|b]");
    cf_sse_destroy (&sse);
    cf_sse_destroy (&sse);
    cf_buf_free (&seen);
}
END_TEST

START_TEST (refuses_what_is_too_large)
{
    char filler [2000];
    memset (filler, 'x', sizeof filler);
    cf_buf_t seen;
    cf_buf_init (&seen, 10000);
    cf_sse_t *sse = cf_sse_new (1000, s_write_down, &seen);
    ck_assert_int_eq (cf_sse_feed (sse, filler, 1000), 0);
    ck_assert_int_eq (cf_sse_feed (sse, filler, 1), -1);
    ck_assert_int_eq (cf_sse_feed (sse, "\n\n", 2), -1);
    cf_sse_restart (sse);
    for (int line = 0; line < 2; line++) {      /* each line fits, the event does not */
        cf_sse_feed (sse, "data: ", 6);
        cf_sse_feed (sse, filler, 600);
        ck_assert_int_eq (cf_sse_feed (sse, "\n", 1), line == 0? 0: -1);
    }
    cf_sse_restart (sse);
    cf_sse_feed (sse, "data: ", 6);
    cf_sse_feed (sse, filler, 994);             /* the longest line there is */
    ck_assert_int_eq (cf_sse_feed (sse, "\n\n", 2), 0);
    ck_assert_uint_eq (seen.size, 994 + strlen ("[|message|]"));
    cf_sse_destroy (&sse);
    cf_buf_free (&seen);
}
END_TEST

static int
s_stop (void *context, const cf_sse_event_t *event)
{
    (void) event;
    ++*(int *) context;
    return -1;
}

START_TEST (stops_when_told)
{
    int count = 0;
    cf_sse_t *sse = cf_sse_new (1000, s_stop, &count);
    ck_assert_int_eq (cf_sse_feed (sse, "data: a\n\ndata: b\n\n", 18), -1);
    ck_assert_int_eq (count, 1);
    cf_sse_destroy (&sse);
}
END_TEST

UNIT_MAIN ("sse", reads_any_line_end_in_any_chunking, reads_the_examples_of_the_standard,
           skips_the_mark_and_what_it_does_not_know, believes_only_sane_ids_and_pauses,
           goes_on_after_a_reconnect_with_its_id, refuses_what_is_too_large, stops_when_told)
