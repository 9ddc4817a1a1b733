/* SPDX-License-Identifier: MPL-2.0 */
/*  format - one provider's wire format, as a struct of functions
 *
 *  A request in any format becomes a cf_request_t, an answer a cf_reply_t; what lies between knows no wire.
 *
 *  TO ADD A FORMAT: one file with its cf_format_t, one row of routes in server.c.
 */
#ifndef CF_SIMULATOR_FORMAT_H
#define CF_SIMULATOR_FORMAT_H

#include "ops/simulator/scan.h"
#include "proto/base/error.h"

#include <stdint.h>

#define CF_FORMAT_MAX_CHUNKS 32
#define CF_FORMAT_MAX_BYTES (16u << 20)     /* of a request, and of an answer */

/*  A model request; slices point into its body. */
typedef struct {
    char model [80];
    bool streamed;
    bool usage_wanted;          /* at the end of a stream */
    bool structured;            /* JSON is asked for */
    char schema_name [64];      /* "" where none is named */
    cf_slice_t schema;          /* JSON text; empty where there is none */
    cf_buf_t instructions;      /* what the system says */
    cf_buf_t words;             /* what the user says */
    unsigned prompt_tokens;
} cf_request_t;

typedef enum { CF_FINISH_STOP, CF_FINISH_LENGTH, CF_FINISH_FILTER } cf_finish_t;

typedef struct {
    cf_slice_t text;
    bool refused;               /* text is a refusal */
    cf_finish_t finish;
    bool malformed_chunk, without_end, error_midway;
    unsigned prompt_tokens, completion_tokens;
    uint64_t id;
} cf_reply_t;

/*  An answer as it goes over the wire; a chunk is what a client may receive at once. */
typedef struct {
    cf_buf_t bytes;
    size_t ends [CF_FORMAT_MAX_CHUNKS];     /* where each chunk ends in bytes */
    size_t chunks;
} cf_rendered_t;

typedef struct {
    const char *name;
    /*  Reads a body. 0, or -1 with error for the client. Free with cf_request_free either way. */
    int (*read) (const char *body, size_t size, cf_request_t *request, cf_error_t *error);
    /*  Renders reply (text in out's chunks). 0, or -1 when out's maximum was passed. */
    int (*render) (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out);
    /*  Writes the body of an error answer. */
    void (*fail) (int status, const char *code, const char *message, cf_buf_t *out);
} cf_format_t;

extern const cf_format_t cf_openai_format;

/*  Frees what reading allocated; safe twice. */
void cf_request_free (cf_request_t *self);
/*  A token estimate: a token for each begun six letters of a word, and one for each other sign. */
unsigned cf_format_tokens (cf_slice_t text);
/*  The end of the at-th of count pieces of text, never within a UTF-8 sequence. */
size_t cf_format_piece_end (cf_slice_t text, size_t at, size_t count);

#endif
