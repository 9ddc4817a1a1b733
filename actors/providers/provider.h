/* SPDX-License-Identifier: MPL-2.0 */
/*  provider - what a model provider is to the router: a struct of functions that write requests and read answers
 *
 *  A provider's file knows its wire format and nothing else: no HTTP, no retries, no health.
 */
#ifndef CF_PROVIDERS_PROVIDER_H
#define CF_PROVIDERS_PROVIDER_H

#include "actors/providers/failure.h"
#include "proto/base/buf.h"
#include "proto/base/config.h"
#include "proto/base/json.h"

#define CF_PROVIDER_TEXT_MAX (8u << 20)         /* bytes of output kept; more is a failure */
#define CF_PROVIDER_REQUEST_MAX (40u << 20)     /* a message's 16 MiB, escaped */
#define CF_PROVIDER_DIMENSIONS 1536             /* of an embedding */
#define CF_PROVIDER_MODEL_SIZE 128

/*  What is asked of a model. */
typedef struct {
    const char *model;                  /* as the provider calls it */
    const char *system, *input;
    const char *format;                 /* what `format` made of the schema, "" for free text */
    uint32_t max_tokens;
    double temperature;
} cf_provider_ask_t;

/*  How a stream ended, in the provider's own words. */
typedef enum {
    CF_READING_OPEN,                    /* it has not */
    CF_READING_STOP,                    /* the model had said everything */
    CF_READING_LENGTH,                  /* at the token limit */
    CF_READING_REFUSED,                 /* filtered, or the model declined */
    CF_READING_OTHER                    /* in a way that we did not ask for */
} cf_reading_end_t;

/*  A stream being read. */
typedef struct {
    cf_buf_t text;                      /* output so far */
    cf_buf_t refusal;                   /* why the model declined */
    char model [CF_PROVIDER_MODEL_SIZE];        /* that really answers; "" where not said */
    cf_reading_end_t end;
    bool marked;                        /* the end marker was seen: nothing comes any more */
    bool counted;                       /* the provider told the usage */
    uint32_t input_tokens, output_tokens;
    unsigned malformed;                 /* events that could not be understood */
    cf_failure_class_t failure;         /* the provider itself said that it failed midway */
} cf_reading_t;

void cf_reading_init (cf_reading_t *self);
void cf_reading_free (cf_reading_t *self);

/*  One provider. Buffers are the caller's; a function that fills one returns 0, or -1 when it was refused. */
typedef struct {
    /*  Appends the address of model's chat, and of its embeddings. */
    int (*chat_url) (const char *base, const char *model, cf_buf_t *url);
    int (*embed_url) (const char *base, const char *model, cf_buf_t *url);
    /*  Appends the header line that carries the key. */
    int (*key_header) (const char *key, cf_buf_t *line);
    /*  Appends the part of a request that holds an answer to a schema, and depends on nothing else: made once a
        schema. -1 with error where the provider cannot express it. */
    int (*format) (const char *name, const cf_json_t *schema, cf_buf_t *out, cf_error_t *error);
    /*  Appends the body of a request for a stream. */
    int (*chat_body) (const cf_provider_ask_t *ask, cf_buf_t *body);
    /*  Takes the data of one event of the stream. */
    void (*read) (cf_reading_t *reading, const char *data, size_t size);
    /*  What an answer that is not 2xx means; *refused: the request was declined for its content, which is an outcome. */
    cf_failure_class_t (*classify) (long status, const char *body, size_t size, bool *refused);
    /*  Appends the body of a request for text's embedding. */
    int (*embed_body) (const char *model, const char *text, cf_buf_t *body);
    /*  Reads its answer into values. 0, or -1 where it is not CF_PROVIDER_DIMENSIONS finite numbers. */
    int (*read_embedding) (const char *body, size_t size, float values [CF_PROVIDER_DIMENSIONS]);
} cf_provider_api_t;

/*  A row of providers.def with its settings. */
typedef struct {
    const char *name;
    const cf_provider_api_t *api;
    cf_config_id_t base_setting, key_setting;
    const char *public_url;
} cf_provider_t;

/*  Borrowed; NULL for an unknown name (of size bytes), and from at = count on. Static storage. */
const cf_provider_t *cf_provider_named (const char *name, size_t size);
const cf_provider_t *cf_provider_at (size_t at);

/*  Where provider is to be reached by the settings, "" where they say nothing. */
const char *cf_provider_base (const cf_provider_t *self);
/*  Header lines of every request, NULL at the end. The last one holds the key: never log them. NULL when out of memory. */
char *const *cf_provider_headers (const cf_provider_t *self);

/*  What `format` made of proto/schema/<name>.json, from memory after the first time; "" for "". NULL with error for what
    is no schema of ours. */
const char *cf_provider_schema (const cf_provider_t *self, const char *name, cf_error_t *error);

/*  Frees what was kept for the process's life, and wipes the keys. */
void cf_provider_free (void);

#endif
