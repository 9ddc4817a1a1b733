/* SPDX-License-Identifier: MPL-2.0 */
/*  document - paths in the order of routes.def, the twins behind all others */

#include "http-edge/openapi/document.h"
#include "http-edge/openapi/operation.h"
#include "http-edge/openapi/refusals.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES 512
#define ABOUT_MAX_BYTES 16384
#define PREFIX "/v1/"
#define TWIN_PREFIX "/v1/agents/"

typedef struct {
    cf_components_t components;
    cf_json_t *paths;
    cf_json_t *ids;             /* operation ids in use */
} self_t;

/* ---- paths ---- */

/*  The pattern as OpenAPI writes it: {path...} is {path}. */
static void
s_path (const char *pattern, bool twin, char out [PATH_MAX_BYTES])
{
    snprintf (out, PATH_MAX_BYTES, "%s%s", twin? TWIN_PREFIX: PREFIX, pattern + sizeof PREFIX - 1);
    if (!twin)
        snprintf (out, PATH_MAX_BYTES, "%s", pattern);
    char *dots = strstr (out, "...}");
    if (dots)
        memmove (dots, dots + 3, strlen (dots + 3) + 1);
}

/*  project_create -> projectCreate, and agentsRunAgent for a twin. */
static void
s_camel (const char *handler, bool twin, char out [PATH_MAX_BYTES])
{
    size_t at = (size_t) snprintf (out, PATH_MAX_BYTES, "%s", twin? "agents": "");
    bool upper = twin;
    for (; *handler && at + 1 < PATH_MAX_BYTES; handler++) {
        if (*handler != '_')
            out [at++] = (char) (upper? toupper ((unsigned char) *handler): *handler);
        upper = *handler == '_';
    }
    out [at] = 0;
}

/*  A handler of several rows gets a number from the second on. */
static void
s_take_id (self_t *self, const char *handler, bool twin, char out [PATH_MAX_BYTES])
{
    s_camel (handler, twin, out);
    size_t size = strlen (out);
    for (int number = 2; json_object_get (self->ids, out); number++)
        snprintf (out + size, PATH_MAX_BYTES - size, "%d", number);
    json_object_set_new (self->ids, out, json_true ());
}

static int
s_add_operation (self_t *self, const cf_route_row_t *route, bool twin, cf_error_t *error)
{
    char path [PATH_MAX_BYTES], id [PATH_MAX_BYTES], method [16] = "";
    s_path (route->pattern, twin, path);
    s_take_id (self, route->handler, twin, id);
    for (size_t at = 0; route->method [at] && at + 1 < sizeof method; at++)
        method [at] = (char) tolower ((unsigned char) route->method [at]);
    cf_json_t *operation = cf_operation_new (route, path, id, &self->components, error);
    if (!operation)
        return -1;
    if (!json_object_get (self->paths, path))
        json_object_set_new (self->paths, path, json_object ());
    return json_object_set_new (json_object_get (self->paths, path), method, operation);
}

static int
s_add_paths (self_t *self, cf_error_t *error)
{
    const cf_route_row_t *route;
    for (size_t at = 0; (route = cf_rows_route_at (at)); at++)
        if (s_add_operation (self, route, false, error))
            return -1;
    for (size_t at = 0; (route = cf_rows_route_at (at)); at++)
        if (route->twin && s_add_operation (self, route, true, error))
            return -1;
    return 0;
}

/*  Every row of operations.def must speak of a handler there is. */
static int
s_check_rows (cf_error_t *error)
{
    const cf_operation_row_t *row;
    for (size_t at = 0; (row = cf_rows_operation_at (at)); at++) {
        const cf_route_row_t *route = cf_rows_route_at (0);
        for (size_t of = 0; row->handler && route && strcmp (route->handler, row->handler); )
            route = cf_rows_route_at (++of);
        if (!route)
            return cf_error_set (error, CF_ERROR_INVALID, "operations.def speaks of %s, which routes.def does not have", row->handler);
    }
    return 0;
}

/* ---- the rest ---- */

static cf_json_t *
s_tags (void)
{
    cf_json_t *tags = json_array (), *seen = json_object ();
    const cf_tag_row_t *tag;
    for (size_t at = 0; (tag = cf_rows_tag_at (at)); at++)
        if (!json_object_get (seen, tag->name)) {
            json_object_set_new (seen, tag->name, json_true ());
            json_array_append_new (tags, json_pack ("{s:s, s:s}", "name", tag->name, "description", tag->text? tag->text: tag->name));
        }
    json_decref (seen);
    return tags;
}

static cf_json_t *
s_info (const char *root, cf_error_t *error)
{
    char path [PATH_MAX_BYTES], about [ABOUT_MAX_BYTES];
    snprintf (path, sizeof path, "%s/http-edge/openapi/about.md", root);
    FILE *file = fopen (path, "r");
    size_t size = file? fread (about, 1, sizeof about, file): 0;
    if (file)
        fclose (file);
    if (!size || size == sizeof about) {
        cf_error_set (error, CF_ERROR_INVALID, "%s cannot be read, is empty or too long", path);
        return NULL;
    }
    return json_pack ("{s:s, s:s, s:s%, s:{s:s, s:s}}", "title", "CodeForge", "version", CF_VERSION, "description", about, size,
                      "license", "name", "Mozilla Public License 2.0", "identifier", "MPL-2.0");
}

static cf_json_t *
s_security_schemes (void)
{
    return json_pack ("{s:{s:s, s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}}",
        "bearer", "type", "http", "scheme", "bearer", "bearerFormat", "JWT",
        "description", "A JWT as Supabase Auth issues it: sub (a UUID), aud and role `authenticated`, exp; at most 8 KiB.",
        "streamToken", "type", "apiKey", "in", "query", "name", "token",
        "description", "From POST /v1/jobs/{job_id}/stream-token: opens that job's stream and nothing else.");
}

static cf_json_t *
s_assemble (self_t *self, cf_json_t *info)
{
    return json_pack ("{s:s, s:o, s:[{s:s, s:s}], s:o, s:O, s:{s:o, s:O, s:o, s:o, s:o}}", "openapi", "3.1.0", "info", info,
                      "servers", "url", "/", "description", "Where this document comes from.", "tags", s_tags (), "paths", self->paths,
                      "components", "securitySchemes", s_security_schemes (), "responses", self->components.responses,
                      "headers", cf_refusals_header_components (), "examples", cf_schemas_examples (self->components.schemas),
                      "schemas", cf_schemas_components (self->components.schemas));
}

/*  0, or -1 with error. */
static int
s_fill (self_t *self, cf_error_t *error)
{
    if (!self->components.schemas)
        return cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    if (s_check_rows (error) || !cf_schemas_add (self->components.schemas, "answers/error", error) || s_add_paths (self, error))
        return -1;
    int faults = cf_schemas_check_examples (self->components.schemas);
    if (cf_refusals_check (self->components.responses, self->components.schemas) || faults)
        return cf_error_set (error, CF_ERROR_INVALID, "examples do not satisfy their schemas");
    return 0;
}

cf_json_t *
cf_document_new (const char *root, cf_error_t *error)
{
    self_t self = { { cf_schemas_new (root), json_object () }, json_object (), json_object () };
    cf_json_t *info = s_info (root, error);
    cf_json_t *document = info && s_fill (&self, error) == 0? s_assemble (&self, json_incref (info)): NULL;
    json_decref (info);
    json_decref (self.ids);
    json_decref (self.paths);
    json_decref (self.components.responses);
    cf_schemas_destroy (&self.components.schemas);
    return document;
}
