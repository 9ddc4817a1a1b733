/* SPDX-License-Identifier: MPL-2.0 */
/*  format - what all wire formats share */

#include "ops/simulator/format.h"

#include <limits.h>
#include <stdio.h>

void
cf_request_init (cf_request_t *self)
{
    *self = (cf_request_t) { .schema = { "", 0 } };
    cf_buf_init (&self->instructions, CF_FORMAT_MAX_BYTES);
    cf_buf_init (&self->words, CF_FORMAT_MAX_BYTES);
}

void
cf_request_free (cf_request_t *self)
{
    cf_buf_free (&self->instructions);
    cf_buf_free (&self->words);
}

/*  Counts up to max tokens; end: where the next one would begin, or the text's end. */
static unsigned
s_count (cf_slice_t text, unsigned max, size_t *end)
{
    unsigned tokens = 0, run = 0;
    for (*end = 0; *end < text.size; ++*end) {
        unsigned char byte = (unsigned char) text.text [*end];
        bool letter = (unsigned char) ((byte | 0x20) - 'a') < 26 || (unsigned char) (byte - '0') < 10 || byte >= 0x80;
        bool begins = letter? run == 0: byte > ' ';
        if (begins && tokens == max)
            break;
        tokens += begins;
        run = !letter || run == 5? 0: run + 1;
    }
    return tokens;
}

unsigned
cf_format_tokens (cf_slice_t text)
{
    size_t end;
    return s_count (text, UINT_MAX, &end);
}

size_t
cf_format_cut (cf_slice_t text, unsigned tokens)
{
    size_t end;
    s_count (text, tokens, &end);
    while (end && end < text.size && ((unsigned char) text.text [end] & 0xC0) == 0x80)
        end--;
    return end;
}

size_t
cf_format_piece_end (cf_slice_t text, size_t at, size_t count)
{
    size_t end = at + 1 == count? text.size: text.size * (at + 1) / count;
    while (end && end < text.size && ((unsigned char) text.text [end] & 0xC0) == 0x80)
        end--;
    return end;
}

void
cf_format_copy (cf_slice_t raw, char *out, size_t size)
{
    cf_buf_t text;
    cf_buf_init (&text, size * 6);
    cf_scan_unescape (raw, &text);
    snprintf (out, size, "%s", text.bytes);
    cf_buf_free (&text);
}

bool
cf_format_read_content (cf_scan_t *scan, cf_buf_t *out)
{
    cf_slice_t raw, key;
    if (cf_scan_peek (scan) == '"') {
        if (!cf_scan_string (scan, &raw))
            return false;
        cf_scan_unescape (raw, out);
        return cf_buf_putc (out, '\n') == 0;
    }
    if (!cf_scan_enter (scan, '['))
        return cf_scan_skip (scan, NULL);
    while (cf_scan_next (scan, NULL)) {
        if (!cf_scan_enter (scan, '{'))
            return false;
        while (cf_scan_next (scan, &key)) {
            bool text = cf_slice_is (key, "text") && cf_scan_peek (scan) == '"';
            if (text? !cf_format_read_content (scan, out): !cf_scan_skip (scan, NULL))
                return false;
        }
    }
    return !scan->bad;
}

bool
cf_format_read_limit (cf_scan_t *scan, cf_request_t *request)
{
    cf_slice_t value;
    if (!cf_scan_skip (scan, &value))
        return false;
    unsigned long limit = 0;
    for (size_t at = 0; at < value.size && limit < UINT_MAX / 16; at++) {
        if (value.text [at] < '0' || value.text [at] > '9')
            return true;
        limit = limit * 10 + (unsigned long) (value.text [at] - '0');
    }
    request->max_tokens = (unsigned) limit;
    return true;
}

void
cf_format_take_schema (cf_slice_t schema, cf_request_t *request)
{
    cf_slice_t title;
    request->structured = true;
    request->schema = schema;
    if (cf_scan_lookup (schema, "title", &title) && title.size > 1 && *title.text == '"')
        cf_format_copy ((cf_slice_t) { title.text + 1, title.size - 2 }, request->schema_name, sizeof request->schema_name);
}

void
cf_format_count (cf_request_t *request)
{
    request->prompt_tokens = cf_format_tokens ((cf_slice_t) { request->instructions.bytes, request->instructions.size })
        + cf_format_tokens ((cf_slice_t) { request->words.bytes, request->words.size });
}

void
cf_format_end_chunk (cf_rendered_t *out, const char *line_ends)
{
    cf_buf_puts (&out->bytes, line_ends);
    if (out->chunks < CF_FORMAT_MAX_CHUNKS)
        out->chunks++;
    out->ends [out->chunks - 1] = out->bytes.size;
}

int
cf_format_end_whole (cf_rendered_t *out)
{
    out->ends [0] = out->bytes.size / 2;
    out->ends [1] = out->bytes.size;
    out->chunks = 2;
    return out->bytes.overflowed? -1: 0;
}
