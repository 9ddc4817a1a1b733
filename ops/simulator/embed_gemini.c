/* SPDX-License-Identifier: MPL-2.0 */
/*  embed_gemini - Gemini's wire format of embeddings
 */

#include "ops/simulator/embed.h"
#include "ops/simulator/format.h"
#include "proto/base/json.h"

#include <stdio.h>
#include <string.h>

#define DIMENSIONS 3072         /* unless a request asks for others */
#define MAX_REQUESTS 100        /* of a batch */

/*  The text of a content's parts. */
static void
s_put_text (const cf_json_t *content, cf_buf_t *out)
{
    size_t at;
    cf_json_t *part;
    json_array_foreach (json_object_get (content, "parts"), at, part)
        cf_buf_printf (out, "%s%s", at? "\n": "", cf_json_str (part, "text", ""));
}

/*  Answers one request: appends {"values": […]}. 0, or -1 with error for the client. */
static int
s_answer (const cf_json_t *request, cf_buf_t *out, char *about, cf_error_t *error)
{
    static float values [CF_EMBED_MAX_DIMENSIONS];
    int64_t dimensions = cf_json_int (request, "outputDimensionality", DIMENSIONS);
    cf_buf_t text;
    cf_buf_init (&text, CF_FORMAT_MAX_BYTES);
    s_put_text (json_object_get (request, "content"), &text);
    int rc = 0;
    if (dimensions < 1 || dimensions > CF_EMBED_MAX_DIMENSIONS)
        rc = cf_error_set (error, CF_ERROR_INVALID, "* EmbedContentRequest.output_dimensionality: 1 to %d.", CF_EMBED_MAX_DIMENSIONS);
    else if (!text.size || text.overflowed)
        rc = cf_error_set (error, CF_ERROR_INVALID, "* EmbedContentRequest.content: contents is not specified");
    else {
        cf_slice_t words = { text.bytes, text.size };
        if (!*about)
            snprintf (about, 200, "%.*s", (int) cf_format_piece_end (words, 0, text.size > 180? text.size / 90: 1), text.bytes);
        cf_embed_text (words, values, (size_t) dimensions);
        cf_buf_puts (out, "{\"values\":");
        cf_embed_put_values (values, (size_t) dimensions, out);
        cf_buf_putc (out, '}');
    }
    cf_buf_free (&text);
    return rc;
}

int
cf_embed_answer_gemini (const char *body, size_t size, cf_buf_t *out, char *model, char *about, cf_error_t *error)
{
    (void) model;
    cf_json_t *document = cf_json_parse (body, size, error);
    cf_buf_puts (out, "{\"embedding\":");
    int rc = document? s_answer (document, out, about, error): -1;
    cf_buf_putc (out, '}');
    json_decref (document);
    return rc;
}

int
cf_embed_answer_gemini_batch (const char *body, size_t size, cf_buf_t *out, char *model, char *about, cf_error_t *error)
{
    (void) model;
    size_t at;
    cf_json_t *request, *document = cf_json_parse (body, size, error), *requests = json_object_get (document, "requests");
    int rc = document? 0: -1;
    if (document && (json_array_size (requests) == 0 || json_array_size (requests) > MAX_REQUESTS))
        rc = cf_error_set (error, CF_ERROR_INVALID, "* BatchEmbedContentsRequest.requests: 1 to %d.", MAX_REQUESTS);
    cf_buf_puts (out, "{\"embeddings\":[");
    for (at = 0; rc == 0 && (request = json_array_get (requests, at)); at++) {
        cf_buf_puts (out, at? ",": "");
        rc = s_answer (request, out, about, error);
    }
    cf_buf_puts (out, "]}");
    json_decref (document);
    return rc;
}
