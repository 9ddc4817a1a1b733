/* SPDX-License-Identifier: MPL-2.0 */
/*  embedding - vectors as the router sends them, as PostgreSQL reads them, and those of the last texts
 *
 *  A vector is CF_EMBEDDING_DIMENSIONS float32, little-endian, as MODEL_VECTOR brings it.
 */
#ifndef CF_RECALL_EMBEDDING_H
#define CF_RECALL_EMBEDDING_H

#include "actors/lib/task.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"

#define CF_EMBEDDING_DIMENSIONS 1536
#define CF_EMBEDDING_BYTES (CF_EMBEDDING_DIMENSIONS * 4)
#define CF_EMBEDDING_LITERAL_BYTES (CF_EMBEDDING_DIMENSIONS * 20)      /* most bytes of a literal */
#define CF_EMBEDDING_TEXT_BYTES 8000    /* of a text; the model reads no more than 8,192 tokens */

/*  Bytes of text that are embedded and kept: all, or those up to the last character that ends within the maximum. */
size_t cf_embedding_text_size (const char *text);
/*  Appends a vector as pgvector's literal, "[0.1,…]". 0, or -1 with PROVIDER_SETTINGS where it has other dimensions, is not of
    numbers, or points nowhere (all zero: nothing is near to it). */
int cf_embedding_print (const void *bytes, size_t size, cf_buf_t *out, cf_error_t *error);

/*  Vectors of the texts asked for last. */
typedef struct cf_embeddings_t cf_embeddings_t;

/*  Holds at most capacity vectors. NULL when out of memory. */
cf_embeddings_t *cf_embeddings_new (size_t capacity);
void cf_embeddings_destroy (cf_embeddings_t **self_p);
/*  The vector of a text of size bytes, borrowed until the next put; NULL where it is not known. */
const void *cf_embeddings_lookup (cf_embeddings_t *self, const char *text, size_t size);
/*  Keeps a copy of both; the text that was asked for longest ago makes room. */
void cf_embeddings_put (cf_embeddings_t *self, const char *text, size_t size, const void *vector);

/*  A task's word that it is getting a text's vector. It lives on the task's stack; its members are the table's. */
typedef struct cf_embedding_claim_t {
    struct cf_embedding_claim_t *prev, *next;
    struct cf_embedding_claim_t *waiting;       /* those who ask for the same */
    struct cf_embedding_claim_t *other;         /* whose release it waits for, or NULL */
    cf_task_t *task;
    const char *text;
    size_t size;
} cf_embedding_claim_t;

/*  As lookup, but waits while another task gets the vector of this text, so that two who ask at once cost one call. 0 with *vector, or with
    *vector NULL: the caller gets it, puts it where that goes well, and then releases the claim. The text is borrowed until then.
    -1 with error when cancelled or overdue meanwhile. */
int cf_embeddings_claim (cf_embeddings_t *self, cf_task_t *task, const char *text, size_t size, cf_embedding_claim_t *claim,
                         const void **vector, cf_error_t *error);
/*  Whoever waits goes on: with the vector, or as the next to get it. */
void cf_embeddings_release (cf_embeddings_t *self, cf_embedding_claim_t *claim);

#endif
