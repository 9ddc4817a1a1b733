/* SPDX-License-Identifier: MPL-2.0 */
/*  stream - what the tests of all providers do: streams in pieces of every size and cut at every place, recorded answers
 */
#ifndef CF_TESTS_STREAM_H
#define CF_TESTS_STREAM_H

#include "actors/providers/attempt.h"
#include "proto/base/sse.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *text;
    cf_reading_end_t end;
    bool marked, counted;
    uint32_t input_tokens, output_tokens;
    cf_failure_class_t verdict;         /* of a structured answer over a connection that ended in good order */
} expected_t;

typedef struct {
    const cf_provider_api_t *api;
    cf_reading_t *reading;
} stream_t;

static inline int stream_on_event (void *context, const cf_sse_event_t *event)
{
    stream_t *stream = context;
    stream->api->read (stream->reading, event->data, event->size);
    return 0;
}

/*  Reads a stream of which the first bytes come alone, and the rest in pieces. */
static inline void stream_read (const cf_provider_api_t *api, cf_reading_t *reading, const char *bytes, size_t size, size_t first, size_t piece)
{
    stream_t stream = { api, reading };
    cf_reading_init (reading);
    cf_sse_t *sse = cf_sse_new (100000, stream_on_event, &stream);
    ck_assert_int_eq (cf_sse_feed (sse, bytes, first), 0);
    for (size_t at = first; at < size; at += piece)
        ck_assert_int_eq (cf_sse_feed (sse, bytes + at, piece < size - at? piece: size - at), 0);
    cf_sse_destroy (&sse);
}

static inline void stream_compare (const cf_reading_t *reading, const expected_t *expected)
{
    ck_assert_str_eq (reading->text.bytes, expected->text);
    ck_assert_int_eq (reading->end, expected->end);
    ck_assert_int_eq (reading->marked, expected->marked);
    ck_assert_int_eq (reading->counted > 0, expected->counted);
    ck_assert_uint_eq (reading->input_tokens, expected->input_tokens);
    ck_assert_uint_eq (reading->output_tokens, expected->output_tokens);
    ck_assert_int_eq (cf_attempt_judge (reading, CF_HTTP_OK, true), expected->verdict);
}

static inline void stream_check_bytes (const cf_provider_api_t *api, const char *bytes, size_t size, const expected_t *expected)
{
    cf_reading_t reading;
    for (size_t piece = 1; piece < 100 && piece <= size; piece++) {
        stream_read (api, &reading, bytes, size, 0, piece);
        stream_compare (&reading, expected);
        cf_reading_free (&reading);
    }
    for (size_t first = 0; first <= size; first++) {
        stream_read (api, &reading, bytes, size, first, size);
        stream_compare (&reading, expected);
        cf_reading_free (&reading);
    }
}

/*  In pieces of every size, cut in two at every place, and all of that again with each line ended by CR LF. */
static inline void stream_check (const cf_provider_api_t *api, const char *stream, expected_t expected)
{
    cf_buf_t other;
    cf_buf_init (&other, 1 << 20);
    for (const char *at = stream; *at; at++)
        cf_buf_append (&other, *at == '\n'? "\r\n": at, *at == '\n'? 2: 1);
    stream_check_bytes (api, stream, strlen (stream), &expected);
    stream_check_bytes (api, other.bytes, other.size, &expected);
    cf_buf_free (&other);
}

/*  Body of a recorded answer in chunked encoding, as far as it came; to be freed. NULL where the recordings are not there. */
static inline char *stream_recorded (const char *name, size_t *size)
{
    const char *folder = unit_collection ("wire");
    char path [600], line [4096];
    if (!folder)
        return NULL;
    snprintf (path, sizeof path, "%s/%s.res.http", folder, name);
    FILE *file = fopen (path, "r");
    ck_assert_msg (file != NULL, "%s", path);
    cf_buf_t body;
    cf_buf_init (&body, 1 << 20);
    while (fgets (line, sizeof line, file) && strcmp (line, "\r\n") != 0)
        ;
    while (fgets (line, sizeof line, file)) {
        size_t left = strtoul (line, NULL, 16);
        if (left == 0 || fread (cf_buf_reserve (&body, left), 1, left, file) != left)
            break;
        body.size += left;
        ck_assert_ptr_nonnull (fgets (line, sizeof line, file));
    }
    fclose (file);
    *size = body.size;
    return cf_buf_take (&body);
}

static inline void stream_check_recorded (const cf_provider_api_t *api, const char *name, expected_t expected)
{
    size_t size;
    char *body = stream_recorded (name, &size);
    if (body)
        stream_check_bytes (api, body, size, &expected);
    free (body);
}

/*  What a recorded error answer means. */
static inline void stream_check_error (const cf_provider_api_t *api, const char *name, long status, cf_failure_class_t expected)
{
    size_t size;
    bool refused = true;
    char *body = stream_recorded (name, &size);
    if (body)
        ck_assert_int_eq (api->classify (status, body, size, &refused), expected);
    free (body);
}

static inline void stream_check_body (const cf_provider_api_t *api, long status, const char *body, cf_failure_class_t expected, bool expected_refused)
{
    bool refused = !expected_refused;
    ck_assert_msg (api->classify (status, body, strlen (body), &refused) == expected, "%ld %s", status, body);
    ck_assert_int_eq (refused, expected_refused);
}

#endif
