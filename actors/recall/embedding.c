/* SPDX-License-Identifier: MPL-2.0 */
/*  embedding - fixed-point printing, and a table with the latest at its end; claims are few, one list of them is enough */

#include "actors/recall/embedding.h"

#include <endian.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

typedef struct {
    UT_hash_handle hh;                  /* by text; in the order of use */
    uint8_t vector [CF_EMBEDDING_BYTES];
    char text [];
} entry_t;

struct cf_embeddings_t {
    entry_t *entries;
    size_t capacity;
    cf_embedding_claim_t *claims;       /* one a text */
};

size_t
cf_embedding_text_size (const char *text)
{
    size_t size = strnlen (text, CF_EMBEDDING_TEXT_BYTES + 1);
    if (size <= CF_EMBEDDING_TEXT_BYTES)
        return size;
    size = CF_EMBEDDING_TEXT_BYTES;
    while (size && ((unsigned char) text [size] & 0xC0) == 0x80)
        size--;
    return size;
}

/*  Embeddings are unit vectors: eight decimals lose nothing that nearness would show. printf is ten times slower and
    is left for numbers out of the ordinary. */
static void
s_put_number (cf_buf_t *out, float value)
{
    if (fabsf (value) >= 9.0f) {
        cf_buf_printf (out, "%.7g", (double) value);
        return;
    }
    uint32_t scaled = (uint32_t) (fabs ((double) value) * 1e8 + 0.5);
    char text [12], *to = text;
    if (value < 0)
        *to++ = '-';
    *to++ = (char) ('0' + scaled / 100000000u);
    *to++ = '.';
    for (uint32_t place = 10000000u; place; place /= 10)
        *to++ = (char) ('0' + scaled / place % 10);
    cf_buf_append (out, text, (size_t) (to - text));
}

int
cf_embedding_print (const void *bytes, size_t size, cf_buf_t *out, cf_error_t *error)
{
    if (size != CF_EMBEDDING_BYTES)
        return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "the embedding model gave %zu dimensions, not %d", size / 4,
                             CF_EMBEDDING_DIMENSIONS);
    bool somewhere = false;
    cf_buf_putc (out, '[');
    for (size_t at = 0; at < CF_EMBEDDING_DIMENSIONS; at++) {
        uint32_t bits;
        float value;
        memcpy (&bits, (const uint8_t *) bytes + at * 4, 4);
        bits = le32toh (bits);
        memcpy (&value, &bits, 4);
        if (!isfinite (value))
            return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "the embedding model gave something that is no number");
        somewhere = somewhere || fabsf (value) >= 1e-7f;
        if (at)
            cf_buf_putc (out, ',');
        s_put_number (out, value);
    }
    cf_buf_putc (out, ']');
    if (!somewhere)
        return cf_error_set (error, CF_ERROR_PROVIDER_SETTINGS, "the embedding model gave a vector of zeros");
    return out->overflowed? cf_error_set (error, CF_ERROR_INTERNAL, "out of memory"): 0;
}

/* ---- the last ones ---- */

cf_embeddings_t *
cf_embeddings_new (size_t capacity)
{
    cf_embeddings_t *self = calloc (1, sizeof *self);
    if (self)
        self->capacity = capacity;
    return self;
}

static void
s_drop (cf_embeddings_t *self, entry_t *entry)
{
    HASH_DEL (self->entries, entry);
    free (entry);
}

void
cf_embeddings_destroy (cf_embeddings_t **self_p)
{
    cf_embeddings_t *self = *self_p;
    if (!self)
        return;
    while (self->entries)
        s_drop (self, self->entries);
    free (self);
    *self_p = NULL;
}

const void *
cf_embeddings_lookup (cf_embeddings_t *self, const char *text, size_t size)
{
    entry_t *entry;
    HASH_FIND (hh, self->entries, text, size, entry);
    if (!entry)
        return NULL;
    HASH_DEL (self->entries, entry);
    HASH_ADD_KEYPTR (hh, self->entries, entry->text, size, entry);
    return entry->vector;
}

void
cf_embeddings_put (cf_embeddings_t *self, const char *text, size_t size, const void *vector)
{
    entry_t *entry;
    HASH_FIND (hh, self->entries, text, size, entry);
    if (entry)
        s_drop (self, entry);
    if (HASH_COUNT (self->entries) >= self->capacity)
        s_drop (self, self->entries);           /* uthash keeps the order of adding */
    entry = malloc (sizeof *entry + size);
    if (!entry)
        return;
    memcpy (entry->vector, vector, sizeof entry->vector);
    memcpy (entry->text, text, size);
    HASH_ADD_KEYPTR (hh, self->entries, entry->text, size, entry);
}

/* ---- whose turn it is ---- */

static cf_embedding_claim_t *
s_claim_of (const cf_embeddings_t *self, const char *text, size_t size)
{
    cf_embedding_claim_t *claim;
    DL_FOREACH (self->claims, claim)
        if (claim->size == size && memcmp (claim->text, text, size) == 0)
            return claim;
    return NULL;
}

static int
s_wait_for (cf_embedding_claim_t *self, cf_embedding_claim_t *other, cf_error_t *error)
{
    int rc = 0;
    self->other = other;
    DL_APPEND (other->waiting, self);
    while (self->other && rc == 0)
        rc = cf_task_wait (self->task, error);
    if (self->other)
        DL_DELETE (self->other->waiting, self);
    return rc;
}

int
cf_embeddings_claim (cf_embeddings_t *self, cf_task_t *task, const char *text, size_t size, cf_embedding_claim_t *claim,
                     const void **vector, cf_error_t *error)
{
    cf_embedding_claim_t *other;
    *claim = (cf_embedding_claim_t) { .task = task, .text = text, .size = size };
    while (!(*vector = cf_embeddings_lookup (self, text, size)) && (other = s_claim_of (self, text, size)) != NULL)
        if (s_wait_for (claim, other, error))
            return -1;
    if (!*vector)
        DL_APPEND (self->claims, claim);
    return 0;
}

void
cf_embeddings_release (cf_embeddings_t *self, cf_embedding_claim_t *claim)
{
    DL_DELETE (self->claims, claim);
    while (claim->waiting) {
        cf_embedding_claim_t *next = claim->waiting;
        DL_DELETE (claim->waiting, next);
        next->other = NULL;
        cf_task_wake (next->task);
    }
}
