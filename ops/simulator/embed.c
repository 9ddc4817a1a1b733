/* SPDX-License-Identifier: MPL-2.0 */
/*  embed - hashed words, and OpenAI's wire format of embeddings */

#include "ops/simulator/embed.h"
#include "ops/simulator/format.h"
#include "ops/simulator/idea.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ANSWER (64u << 20)

typedef struct {
    char model [80];
    bool base64;
    size_t dimensions;
    cf_slice_t input;                   /* raw JSON */
} request_t;

/* ---- vectors */

static void
s_add (float *values, size_t dimensions, const char *feature, size_t size, float weight)
{
    uint64_t hash = cf_idea_hash (feature, size);
    values [hash % dimensions] += hash >> 63? weight: -weight;
}

static bool
s_common (const char *word)
{
    static const char words [] = " a an the and or of to in on for with is are it its that this be as at by from app i my we you your ";
    char padded [48];
    snprintf (padded, sizeof padded, " %.40s ", word);
    return strstr (words, padded) != NULL;
}

/*  Cuts the commonest endings, so that "tracks", "tracker" and "tracking" meet. */
static size_t
s_stem (const char *word, size_t size)
{
    static const char *const endings [] = { "ings", "ing", "ers", "er", "ed", "es", "s" };
    for (size_t row = 0; row < sizeof endings / sizeof endings [0]; row++) {
        size_t length = strlen (endings [row]);
        if (size > length + 2 && !memcmp (word + size - length, endings [row], length))
            return size - length;
    }
    return size;
}

static void
s_add_word (float *values, size_t dimensions, const char *word, size_t size, const char *before)
{
    float weight = s_common (word)? 0.15f: 1.0f;
    char pair [100];
    s_add (values, dimensions, word, size, 0.5f * weight);
    s_add (values, dimensions, word, s_stem (word, size), weight);
    if (*before) {
        int length = snprintf (pair, sizeof pair, "%s %s", before, word);
        s_add (values, dimensions, pair, (size_t) length < sizeof pair? (size_t) length: sizeof pair - 1, 0.4f * weight);
    }
}

static void
s_normalize (float *values, size_t dimensions)
{
    double sum = 0;
    for (size_t at = 0; at < dimensions; at++)
        sum += (double) values [at] * (double) values [at];
    if (sum < 1e-12) {
        values [0] = 1;                 /* no words, or words that cancel out: still a vector of length 1 */
        return;
    }
    float scale = (float) (1 / sqrt (sum));
    for (size_t at = 0; at < dimensions; at++)
        values [at] *= scale;
}

void
cf_embed_text (cf_slice_t text, float *values, size_t dimensions)
{
    char word [48] = "", before [48] = "";
    size_t size = 0;
    memset (values, 0, dimensions * sizeof *values);
    for (size_t at = 0; at <= text.size; at++) {
        unsigned char byte = at < text.size? (unsigned char) text.text [at]: ' ';
        bool inside = isalnum (byte) || byte >= 0x80;
        if (inside && size < sizeof word - 1)
            word [size++] = (char) tolower (byte);
        else if (!inside && size) {
            word [size] = 0;
            s_add_word (values, dimensions, word, size, before);
            memcpy (before, word, sizeof before);
            size = 0;
        }
    }
    s_normalize (values, dimensions);
}

/* ---- wire */

static void
s_put_base64 (const uint8_t *bytes, size_t size, cf_buf_t *out)
{
    static const char letters [] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at = cf_buf_reserve (out, (size + 2) / 3 * 4);
    if (!at)
        return;
    for (size_t index = 0; index < size; index += 3) {
        size_t left = size - index;
        uint32_t group = (uint32_t) bytes [index] << 16 | (left > 1? (uint32_t) bytes [index + 1] << 8: 0) | (left > 2? bytes [index + 2]: 0);
        *at++ = letters [group >> 18];
        *at++ = letters [group >> 12 & 63];
        *at++ = left > 1? letters [group >> 6 & 63]: '=';
        *at++ = left > 2? letters [group & 63]: '=';
    }
    *at = 0;
    out->size += (size + 2) / 3 * 4;
}

void
cf_embed_put_values (const float *values, size_t dimensions, cf_buf_t *out)
{
    cf_buf_putc (out, '[');
    for (size_t at = 0; at < dimensions; at++) {
        cf_buf_puts (out, at? ",": "");
        if (values [at] < 0 || values [at] > 0)
            cf_buf_printf (out, "%.8g", (double) values [at]);
        else
            cf_buf_putc (out, '0');
    }
    cf_buf_putc (out, ']');
}

static void
s_put_vector (const request_t *request, cf_slice_t text, size_t index, cf_buf_t *out)
{
    static float values [CF_EMBED_MAX_DIMENSIONS];      /* a float32 is little-endian on every machine this is built for */
    cf_embed_text (text, values, request->dimensions);
    cf_buf_printf (out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", index? ",": "", index);
    if (request->base64) {
        cf_buf_putc (out, '"');
        s_put_base64 ((const uint8_t *) values, request->dimensions * sizeof values [0], out);
        cf_buf_puts (out, "\"}");
        return;
    }
    cf_embed_put_values (values, request->dimensions, out);
    cf_buf_putc (out, '}');
}

static int
s_read (const char *body, size_t size, request_t *request, cf_error_t *error)
{
    cf_scan_t scan;
    cf_slice_t key, value;
    *request = (request_t) { .dimensions = CF_EMBED_DIMENSIONS, .input = { "", 0 } };
    cf_scan_init (&scan, body, size);
    if (!cf_scan_enter (&scan, '{'))
        return cf_error_set (error, CF_ERROR_INVALID, "We could not parse the JSON body of your request: it is no object.");
    while (cf_scan_next (&scan, &key) && cf_scan_skip (&scan, &value)) {
        if (cf_slice_is (key, "model") && *value.text == '"')
            snprintf (request->model, sizeof request->model, "%.*s", (int) (value.size > 72? 70: value.size - 2), value.text + 1);
        else if (cf_slice_is (key, "encoding_format"))
            request->base64 = cf_slice_is (value, "\"base64\"");
        else if (cf_slice_is (key, "dimensions") && !cf_slice_is (value, "null"))
            request->dimensions = (size_t) strtoul (value.text, NULL, 10);
        else if (cf_slice_is (key, "input"))
            request->input = value;
    }
    if (!cf_scan_done (&scan))
        return cf_error_set (error, CF_ERROR_INVALID, "We could not parse the JSON body of your request.");
    if (!request->model [0])
        return cf_error_set (error, CF_ERROR_INVALID, "you must provide a model parameter");
    if (request->dimensions < 1 || request->dimensions > CF_EMBED_MAX_DIMENSIONS)
        return cf_error_set (error, CF_ERROR_INVALID, "Invalid value for 'dimensions': 1 to %d.", CF_EMBED_MAX_DIMENSIONS);
    return 0;
}

/*  One input: a string, or tokens (whose numbers then are the words). */
static int
s_answer_one (const request_t *request, cf_slice_t raw, size_t index, cf_buf_t *out, unsigned *tokens, char *about)
{
    cf_buf_t text;
    cf_buf_init (&text, CF_FORMAT_MAX_BYTES);
    if (*raw.text == '"')
        cf_scan_unescape ((cf_slice_t) { raw.text + 1, raw.size - 2 }, &text);
    else
        cf_buf_append (&text, raw.text, raw.size);
    cf_slice_t words = { text.bytes, text.size };
    int rc = text.size && !text.overflowed && strchr ("\"[0123456789", *raw.text)? 0: -1;
    if (!rc) {
        *tokens += cf_format_tokens (words);
        s_put_vector (request, words, index, out);
        if (!index)
            snprintf (about, 200, "%.*s", (int) cf_format_piece_end (words, 0, text.size > 180? text.size / 90: 1), text.bytes);
    }
    cf_buf_free (&text);
    return rc;
}

int
cf_embed_answer (const char *body, size_t size, cf_buf_t *out, char *model, char *about, cf_error_t *error)
{
    request_t request;
    cf_slice_t item;
    unsigned tokens = 0;
    size_t count = 0;
    *about = 0;
    if (s_read (body, size, &request, error))
        return -1;
    snprintf (model, 80, "%s", request.model);
    cf_scan_t scan;
    cf_scan_init (&scan, request.input.text, request.input.size);
    cf_buf_puts (out, "{\"object\":\"list\",\"data\":[");
    bool list = request.input.size > 1 && cf_scan_enter (&scan, '[');
    bool tokens_given = list && cf_scan_peek (&scan) == '0';
    if (!request.input.size || (list && cf_scan_peek (&scan) == ']'))
        return cf_error_set (error, CF_ERROR_INVALID, "'$.input' is invalid: give a string or a list of strings.");
    if (!list || tokens_given) {
        count = 1;
        if (s_answer_one (&request, request.input, 0, out, &tokens, about))
            return cf_error_set (error, CF_ERROR_INVALID, "'$.input' is invalid: it must not be empty.");
    }
    else
        for (; count < CF_EMBED_MAX_INPUTS && cf_scan_next (&scan, NULL) && cf_scan_skip (&scan, &item); count++)
            if (s_answer_one (&request, item, count, out, &tokens, about))
                return cf_error_set (error, CF_ERROR_INVALID, "'$.input[%zu]' is invalid: it must not be empty.", count);
    cf_buf_puts (out, "],\"model\":");
    cf_buf_put_json (out, request.model, strlen (request.model));
    cf_buf_printf (out, ",\"usage\":{\"prompt_tokens\":%u,\"total_tokens\":%u}}", tokens, tokens);
    return out->size < MAX_ANSWER && !out->overflowed? 0: cf_error_set (error, CF_ERROR_INVALID, "the answer would be too large");
}
