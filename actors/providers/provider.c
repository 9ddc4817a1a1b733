/* SPDX-License-Identifier: MPL-2.0 */
/*  provider - the table of providers, and what is made once: header lines, and schemas in each provider's words */

#include "actors/providers/provider.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CF_PROVIDER_SCHEMAS 64          /* rendered schemas kept; there are a dozen files */
#define CF_PROVIDER_SCHEMA_MAX (1u << 20)
#define CF_PROVIDER_LINE_MAX 1024

#define PROVIDER(name_, base_, key_, url_, caption_) extern const cf_provider_api_t cf_provider_##name_;
#include "actors/providers/providers.def"
#undef PROVIDER

static const cf_provider_t s_rows [] = {
#define PROVIDER(name_, base_, key_, url_, caption_)                                    \
    { #name_, &cf_provider_##name_, CF_CONFIG_##base_, CF_CONFIG_##key_, url_ },
#include "actors/providers/providers.def"
#undef PROVIDER
};

#define CF_PROVIDER_ROWS (sizeof s_rows / sizeof s_rows [0])

typedef struct {
    UT_hash_handle hh;
    char key [128];                     /* provider/schema */
    char *text;
} rendered_t;

static char s_json_header [] = "Content-Type: application/json";
static char s_accept_header [] = "Accept: text/event-stream, application/json";
static struct { char *lines [4]; } s_headers [CF_PROVIDER_ROWS];
static rendered_t *s_rendered;

void
cf_reading_init (cf_reading_t *self)
{
    *self = (cf_reading_t) { .end = CF_READING_OPEN };
    cf_buf_init (&self->text, CF_PROVIDER_TEXT_MAX);
    cf_buf_init (&self->refusal, 64u * 1024u);
}

void
cf_reading_free (cf_reading_t *self)
{
    cf_buf_free (&self->text);
    cf_buf_free (&self->refusal);
}

const cf_provider_t *
cf_provider_at (size_t at)
{
    return at < CF_PROVIDER_ROWS? &s_rows [at]: NULL;
}

const cf_provider_t *
cf_provider_named (const char *name, size_t size)
{
    for (size_t at = 0; at < CF_PROVIDER_ROWS; at++)
        if (strlen (s_rows [at].name) == size && strncmp (s_rows [at].name, name, size) == 0)
            return &s_rows [at];
    return NULL;
}

const char *
cf_provider_base (const cf_provider_t *self)
{
    const char *base = cf_config_str (self->base_setting);
    return *base? base: *cf_config_str (self->key_setting)? self->public_url: "";
}

char *const *
cf_provider_headers (const cf_provider_t *self)
{
    char **lines = s_headers [self - s_rows].lines;
    if (lines [0])
        return lines;
    const char *key = cf_config_str (self->key_setting);
    if (*key) {
        cf_buf_t line;
        cf_buf_init (&line, CF_PROVIDER_LINE_MAX);
        if (self->api->key_header (key, &line))
            return NULL;
        lines [2] = cf_buf_take (&line);
    }
    lines [0] = s_json_header;
    lines [1] = s_accept_header;
    return lines;
}

static rendered_t *
s_render (const cf_provider_t *self, const char *key, const char *name, cf_error_t *error)
{
    char path [128];
    snprintf (path, sizeof path, "schema/%s.json", name);
    cf_error_t reason = { 0 };
    cf_json_t *schema = cf_json_load (cf_config_share (path), &reason);
    cf_buf_t out;
    cf_buf_init (&out, CF_PROVIDER_SCHEMA_MAX);
    int rc = schema? self->api->format (name, schema, &out, &reason): -1;
    json_decref (schema);
    rendered_t *rendered = rc? NULL: calloc (1, sizeof *rendered);
    if (!rendered) {
        cf_buf_free (&out);
        cf_log_error ("schema %s: %s", name, reason.text);
        cf_error_set (error, CF_ERROR_INVALID, "%s cannot be asked for schema %s", self->name, name);
        return NULL;
    }
    snprintf (rendered->key, sizeof rendered->key, "%s", key);
    rendered->text = cf_buf_take (&out);
    HASH_ADD_STR (s_rendered, key, rendered);
    return rendered;
}

const char *
cf_provider_schema (const cf_provider_t *self, const char *name, cf_error_t *error)
{
    size_t size = strlen (name);
    if (size == 0)
        return "";
    rendered_t *rendered;
    char key [128];
    snprintf (key, sizeof key, "%s/%.64s", self->name, name);
    HASH_FIND_STR (s_rendered, key, rendered);
    if (rendered)
        return rendered->text;
    if (size > 64 || strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-") != size || HASH_COUNT (s_rendered) >= CF_PROVIDER_SCHEMAS) {
        cf_error_set (error, CF_ERROR_INVALID, "no schema is called %.64s", name);
        return NULL;
    }
    rendered = s_render (self, key, name, error);
    return rendered? rendered->text: NULL;
}

void
cf_provider_free (void)
{
    for (size_t at = 0; at < CF_PROVIDER_ROWS; at++) {
        char *secret = s_headers [at].lines [2];
        if (secret)
            explicit_bzero (secret, strlen (secret));
        free (secret);
        memset (&s_headers [at], 0, sizeof s_headers [at]);
    }
    rendered_t *rendered, *next;
    HASH_ITER (hh, s_rendered, rendered, next) {
        HASH_DEL (s_rendered, rendered);
        free (rendered->text);
        free (rendered);
    }
}
