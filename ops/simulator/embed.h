/* SPDX-License-Identifier: MPL-2.0 */
/*  embed - texts as vectors, so that similar texts are near
 *
 *  Each word, each pair of neighbours and each longer word's stem adds to one dimension, chosen and signed by its hash ("feature
 *  hashing", Weinberger et al. 2009); common words count little. The vector has length 1.
 */
#ifndef CF_SIMULATOR_EMBED_H
#define CF_SIMULATOR_EMBED_H

#include "ops/simulator/scan.h"
#include "proto/base/error.h"

#define CF_EMBED_DIMENSIONS 1536        /* unless a request asks for others */
#define CF_EMBED_MAX_DIMENSIONS 3072
#define CF_EMBED_MAX_INPUTS 2048

/*  Fills values with the vector of text. */
void cf_embed_text (cf_slice_t text, float *values, size_t dimensions);
/*  Answers a body of OpenAI's embeddings: appends the answer to out. 0, or -1 with error for the client; model (80 bytes)
    and about (the first input, cut; 200 bytes) are filled for the journal. */
int cf_embed_answer (const char *body, size_t size, cf_buf_t *out, char *model, char *about, cf_error_t *error);

/*  The same in Gemini's format: one text, and a list of requests. model was read from the address. */
int cf_embed_answer_gemini (const char *body, size_t size, cf_buf_t *out, char *model, char *about, cf_error_t *error);
int cf_embed_answer_gemini_batch (const char *body, size_t size, cf_buf_t *out, char *model, char *about, cf_error_t *error);
/*  Appends values as a JSON array. */
void cf_embed_put_values (const float *values, size_t dimensions, cf_buf_t *out);

#endif
