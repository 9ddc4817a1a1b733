/* SPDX-License-Identifier: MPL-2.0 */
/*  stream - what the fuzz targets of all providers do
 *
 *  The first two bytes of an input say how the rest is cut into pieces; it is read as a stream, as an error body and as an
 *  embedding. A reading must come out the same whatever the pieces are, and be text that the rest of CodeForge may believe.
 */
#ifndef CF_FUZZ_STREAM_H
#define CF_FUZZ_STREAM_H

#include "actors/providers/attempt.h"
#include "proto/base/sse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size);

typedef struct {
    const cf_provider_api_t *api;
    cf_reading_t *reading;
} fuzz_stream_t;

static inline int fuzz_on_event (void *context, const cf_sse_event_t *event)
{
    fuzz_stream_t *stream = context;
    stream->api->read (stream->reading, event->data, event->size);
    return 0;
}

static inline void fuzz_expect (bool condition)
{
    if (!condition)
        abort ();
}

static inline void fuzz_read (const cf_provider_api_t *api, cf_reading_t *reading, const char *text, size_t size, size_t piece)
{
    fuzz_stream_t stream = { api, reading };
    cf_reading_init (reading);
    cf_sse_t *sse = cf_sse_new (1u << 16, fuzz_on_event, &stream);
    for (size_t at = 0; sse && at < size; at += piece)
        if (cf_sse_feed (sse, text + at, piece < size - at? piece: size - at))
            break;
    cf_sse_destroy (&sse);
}

/*  Text is UTF-8 without NUL, as JSON strings of our own may hold. */
static inline void fuzz_expect_text (const cf_buf_t *text)
{
    cf_json_t *string = text->size? json_stringn (text->bytes, text->size): NULL;
    fuzz_expect (text->size == 0 || (string && !memchr (text->bytes, 0, text->size)));
    json_decref (string);
}

static inline int fuzz_provider (const cf_provider_api_t *api, const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    cf_reading_t whole, pieces;
    const char *text = (const char *) bytes + 2;
    size_t piece = 1 + bytes [0] % 64;
    bool refused;
    size -= 2;
    fuzz_read (api, &whole, text, size, size + 1);
    fuzz_read (api, &pieces, text, size, piece);
    fuzz_expect_text (&whole.text);
    fuzz_expect_text (&whole.refusal);
    fuzz_expect (whole.text.size == pieces.text.size && !strcmp (whole.text.bytes, pieces.text.bytes) && !strcmp (whole.refusal.bytes, pieces.refusal.bytes)
                 && whole.end == pieces.end && whole.failure == pieces.failure && whole.malformed == pieces.malformed
                 && whole.input_tokens == pieces.input_tokens && whole.output_tokens == pieces.output_tokens && !strcmp (whole.model, pieces.model));
    cf_failure_class_t verdict = cf_attempt_judge (&whole, (cf_http_failure_t) (bytes [1] % (CF_HTTP_OTHER + 1)), bytes [1] & 0x80);
    fuzz_expect (verdict != CF_FAILURE_NONE || (whole.end != CF_READING_OPEN && whole.end != CF_READING_OTHER && whole.failure == CF_FAILURE_NONE));
    cf_reading_free (&whole);
    cf_reading_free (&pieces);

    static float values [CF_PROVIDER_DIMENSIONS];
    static const long statuses [] = { 400, 401, 402, 403, 404, 408, 413, 418, 429, 500, 503, 529 };
    verdict = api->classify (statuses [bytes [0] % (sizeof statuses / sizeof statuses [0])], text, size, &refused);
    fuzz_expect (verdict < CF_FAILURE_COUNT && refused == (verdict == CF_FAILURE_NONE));
    if (api->retry_after_ms)
        fuzz_expect (api->retry_after_ms (text, size) <= 86400000);
    if (api->read_embedding)
        api->read_embedding (text, size, values);
    return 0;
}

#endif
