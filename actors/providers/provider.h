/* SPDX-License-Identifier: MPL-2.0 */
/*  provider - what a model provider is to the router: a struct of functions that write requests and read answers
 *
 *  A provider's file knows its wire format and nothing else: no HTTP, no retries, no health.
 */
#ifndef CF_PROVIDERS_PROVIDER_H
#define CF_PROVIDERS_PROVIDER_H

#include "actors/providers/reading.h"
#include "proto/base/config.h"

#define CF_PROVIDER_REQUEST_MAX (40u << 20)     /* a message's 16 MiB, escaped */
#define CF_PROVIDER_DIMENSIONS CF_READING_DIMENSIONS

/*  What is asked of a model. */
typedef struct {
    const char *model;                  /* as the provider calls it */
    const char *system, *input;
    const char *format;                 /* what `format` made of the schema, "" for free text */
    uint32_t max_tokens;
    double temperature;
} cf_provider_ask_t;

/*  One provider. Buffers are the caller's; a function that fills one returns 0, or -1 when it was refused. */
typedef struct {
    /*  Appends the address of model's chat. */
    int (*chat_url) (const char *base, const char *model, cf_buf_t *url);
    /*  Appends the part of a request that holds an answer to a schema, and depends on nothing else: made once a
        schema. -1 with error where the provider cannot express it. */
    int (*format) (const char *name, const cf_json_t *schema, cf_buf_t *out, cf_error_t *error);
    /*  Appends the body of a request for a stream. */
    int (*chat_body) (const cf_provider_ask_t *ask, cf_buf_t *body);
    /*  Takes the data of one event of the stream. */
    void (*read) (cf_reading_t *reading, const char *data, size_t size);
    /*  What an answer that is not 2xx means; *refused: the request was declined for its content, which is an outcome. */
    cf_failure_class_t (*classify) (long status, const char *body, size_t size, bool *refused);
    /*  How long its body asks to be left alone, in milliseconds, 0 where it says nothing; NULL where only headers say that. */
    uint32_t (*retry_after_ms) (const char *body, size_t size);
    /*  The address of model's embeddings; NULL, as the two below, where the provider has none. */
    int (*embed_url) (const char *base, const char *model, cf_buf_t *url);
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
    const char *key_prefix;             /* of the header line with the key */
} cf_provider_t;

/*  Borrowed; NULL for an unknown name (of size bytes), and from at = count on. Static storage. */
const cf_provider_t *cf_provider_named (const char *name, size_t size);
const cf_provider_t *cf_provider_at (size_t at);

/*  Where provider is to be reached by the settings, "" where they say nothing. */
const char *cf_provider_base (const cf_provider_t *self);
/*  Header lines of every request, NULL at the end. One of them holds the key: never log them. NULL where the key, or another
    setting, would not be one header line. */
char *const *cf_provider_headers (const cf_provider_t *self);

/*  What `format` made of proto/schema/<name>.json, from memory after the first time; "" for "". NULL with error for what
    is no schema of ours. */
const char *cf_provider_schema (const cf_provider_t *self, const char *name, cf_error_t *error);

/*  Frees what was kept for the process's life, and wipes the keys. */
void cf_provider_free (void);

#endif
