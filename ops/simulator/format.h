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
    unsigned max_tokens;        /* of the answer; 0: any number */
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
    size_t spoken;              /* chunks up to the last word: what follows goes out with it, as servers do it; 0: all */
} cf_rendered_t;

typedef struct {
    const char *name;
    /*  Reads a body. 0, or -1 with error for the client. Free with cf_request_free either way. */
    int (*read) (const char *body, size_t size, cf_request_t *request, cf_error_t *error);
    /*  Renders reply (text in out's chunks). 0, or -1 when out's maximum was passed. */
    int (*render) (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out);
    /*  Writes the body of an error answer; code is one of OpenAI's, or NULL; retry_ms: when to come again, 0: not said. */
    void (*fail) (int status, const char *code, const char *message, unsigned retry_ms, cf_buf_t *out);
    bool retry_in_body;         /* no headers say when to come again */
} cf_format_t;

/*  cf_anthropic_new_format is the version 2026-10-21, which refuses what steers the sampling. */
extern const cf_format_t cf_openai_format, cf_anthropic_format, cf_anthropic_new_format, cf_gemini_format;

/*  Makes an empty request. */
void cf_request_init (cf_request_t *self);
/*  Frees what reading allocated; safe twice. */
void cf_request_free (cf_request_t *self);
/*  A token estimate: a token for each begun six letters of a word, and one for each other sign. */
unsigned cf_format_tokens (cf_slice_t text);
/*  How many bytes of text come to no more than so many tokens; whole UTF-8 sequences. */
size_t cf_format_cut (cf_slice_t text, unsigned tokens);
/*  The end of the at-th of count pieces of text, never within a UTF-8 sequence. */
size_t cf_format_piece_end (cf_slice_t text, size_t at, size_t count);

/*  A string's text, cut to size. */
void cf_format_copy (cf_slice_t raw, char *out, size_t size);
/*  Appends a message's content, a line each: a string, or parts of which those with a text count; anything else is passed
    over. False where it is malformed. */
bool cf_format_read_content (cf_scan_t *scan, cf_buf_t *out);
/*  Reads how long the answer may be, in tokens; a value that is no count is passed over. False where it is malformed. */
bool cf_format_read_limit (cf_scan_t *scan, cf_request_t *request);
/*  The schema of a format that gives it no name: its title is one. */
void cf_format_take_schema (cf_slice_t schema, cf_request_t *request);
/*  Counts the tokens of what was read. */
void cf_format_count (cf_request_t *request);
/*  Ends a chunk of a stream with the two line ends of an event. */
void cf_format_end_chunk (cf_rendered_t *out, const char *line_ends);
/*  Ends a whole answer: two chunks, so that it can be cut off between them. 0, or -1 when out's maximum was passed. */
int cf_format_end_whole (cf_rendered_t *out);

#endif
