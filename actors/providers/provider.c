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
#define CF_PROVIDER_LINES 7             /* header lines of a request */
#define CF_PROVIDER_FIXED 2             /* of them, the same for all */

#define PROVIDER(name_, base_, key_, url_, prefix_, caption_) extern const cf_provider_api_t cf_provider_##name_;
#define PROVIDER_HEADER(name_, prefix_, setting_)
#include "actors/providers/providers.def"
#undef PROVIDER
#undef PROVIDER_HEADER

static const cf_provider_t s_rows [] = {
#define PROVIDER(name_, base_, key_, url_, prefix_, caption_)                                   \
    { #name_, &cf_provider_##name_, CF_CONFIG_##base_, CF_CONFIG_##key_, url_, prefix_ },
#define PROVIDER_HEADER(name_, prefix_, setting_)
#include "actors/providers/providers.def"
#undef PROVIDER
#undef PROVIDER_HEADER
};

/*  Header lines beside the key's, whose values are settings. */
static const struct { const cf_provider_api_t *api; const char *prefix; cf_config_id_t setting; } s_extra [] = {
#define PROVIDER(name_, base_, key_, url_, prefix_, caption_)
#define PROVIDER_HEADER(name_, prefix_, setting_) { &cf_provider_##name_, prefix_, CF_CONFIG_##setting_ },
#include "actors/providers/providers.def"
#undef PROVIDER
#undef PROVIDER_HEADER
};

#define CF_PROVIDER_ROWS (sizeof s_rows / sizeof s_rows [0])

typedef struct {
    UT_hash_handle hh;
    char key [128];                     /* provider/schema */
    char *text;
} rendered_t;

static char s_json_header [] = "Content-Type: application/json";
static char s_accept_header [] = "Accept: text/event-stream, application/json";
static struct { char *lines [CF_PROVIDER_LINES + 1]; } s_headers [CF_PROVIDER_ROWS];
static rendered_t *s_rendered;

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

/*  A header line of its own, NULL where value would end the line, or make it another. */
static char *
s_line (const char *prefix, const char *value)
{
    cf_buf_t line;
    for (const char *at = value; *at; at++)
        if (*at <= ' ' || *at == 0x7f)
            return NULL;
    cf_buf_init (&line, CF_PROVIDER_LINE_MAX);
    cf_buf_puts (&line, prefix);
    if (cf_buf_puts (&line, value) == 0)
        return cf_buf_take (&line);
    cf_buf_free (&line);
    return NULL;
}

static void
s_free_headers (char **lines)
{
    for (char **line = lines + CF_PROVIDER_FIXED; *line; line++) {
        explicit_bzero (*line, strlen (*line));
        free (*line);
    }
    memset (lines, 0, sizeof s_headers [0]);
}

char *const *
cf_provider_headers (const cf_provider_t *self)
{
    char **lines = s_headers [self - s_rows].lines;
    if (lines [0])
        return lines;
    lines [0] = s_json_header;
    lines [1] = s_accept_header;
    size_t count = CF_PROVIDER_FIXED;
    const char *key = cf_config_str (self->key_setting);
    bool good = !*key || (lines [count++] = s_line (self->key_prefix, key));
    for (size_t at = 0; good && at < sizeof s_extra / sizeof s_extra [0]; at++)
        if (s_extra [at].api == self->api && *cf_config_str (s_extra [at].setting))
            good = count < CF_PROVIDER_LINES && (lines [count++] = s_line (s_extra [at].prefix, cf_config_str (s_extra [at].setting)));
    if (good)
        return lines;
    s_free_headers (lines);
    return NULL;
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
    for (size_t at = 0; at < CF_PROVIDER_ROWS; at++)
        if (s_headers [at].lines [0])
            s_free_headers (s_headers [at].lines);
    rendered_t *rendered, *next;
    HASH_ITER (hh, s_rendered, rendered, next) {
        HASH_DEL (s_rendered, rendered);
        free (rendered->text);
        free (rendered);
    }
}
