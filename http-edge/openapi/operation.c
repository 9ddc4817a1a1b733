/* SPDX-License-Identifier: MPL-2.0 */
/*  operation - what can be derived from the route's row is; the rest is said in operations.def */

#include "http-edge/openapi/operation.h"
#include "http-edge/openapi/refusals.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 128

/* ---- parameters ---- */

static cf_json_t *
s_choices (const char *choices)
{
    cf_json_t *list = json_array ();
    for (const char *at = choices; *at;) {
        size_t size = strcspn (at, "|");
        json_array_append_new (list, json_stringn (at, size));
        at += size + (at [size] == '|');
    }
    return list;
}

static cf_json_t *
s_param_schema (const cf_operation_row_t *row)
{
    cf_json_t *schema = NULL;
    switch (row->type) {
    case CF_TYPE_NUMBER:
        schema = json_pack ("{s:s, s:i, s:i, s:i}", "type", "integer", "minimum", (int) row->least, "maximum", (int) row->most,
                            "default", (int) strtol (row->fallback, NULL, 10));
        break;
    case CF_TYPE_CHOICE:
        schema = json_pack ("{s:s, s:o}", "type", "string", "enum", s_choices (row->choices));
        if (row->fallback)
            json_object_set_new (schema, "default", json_string (row->fallback));
        break;
    case CF_TYPE_TEXT:
        schema = json_pack ("{s:s, s:i, s:i}", "type", "string", "minLength", (int) row->least, "maxLength", (int) row->most);
        break;
    case CF_TYPE_UUID:
    case CF_TYPE_DATE:
        schema = json_pack ("{s:s, s:s}", "type", "string", "format", row->type == CF_TYPE_UUID? "uuid": "date");
        break;
    }
    return schema;
}

static cf_json_t *
s_param (const char *place, const char *name, const char *text, cf_json_t *schema, const char *example)
{
    char in [16] = "";
    for (size_t at = 0; place [at] && at + 1 < sizeof in; at++)
        in [at] = (char) tolower ((unsigned char) place [at]);
    cf_json_t *param = json_pack ("{s:s, s:s, s:b, s:s, s:o}", "name", name, "in", in, "required", strcmp (in, "path") == 0,
                                  "description", text, "schema", schema);
    if (example)
        json_object_set_new (param, "example", json_string (example));
    return param;
}

/*  What operations.def says of a parameter in the pattern, or NULL. */
static const cf_operation_row_t *
s_path_row (const cf_route_row_t *route, const char *name)
{
    size_t at = 0;
    const cf_operation_row_t *row;
    do
        row = cf_rows_said (CF_SAID_PARAM, route->handler, &at);
    while (row && (strcmp (row->place, "PATH") || strcmp (row->name, name)));
    return row;
}

/*  An id, or the path of a file, where nothing else is said of it. */
static void
s_add_path_params (cf_json_t *params, const cf_route_row_t *route)
{
    static const cf_operation_row_t file = { .type = CF_TYPE_TEXT, .least = 1, .most = 500, .example = "src/app.js",
                                             .text = "Which file; its slashes stand as they are." };
    static const cf_operation_row_t job = { .type = CF_TYPE_UUID, .text = "Which job." };
    static const cf_operation_row_t project = { .type = CF_TYPE_UUID, .text = "Which project." };
    for (const char *open = strchr (route->pattern, '{'); open; open = strchr (open + 1, '{')) {
        char name [NAME_MAX_BYTES];
        size_t size = strcspn (open + 1, ".}");
        snprintf (name, sizeof name, "%.*s", (int) size, open + 1);
        const cf_operation_row_t *row = s_path_row (route, name);
        if (!row)
            row = open [1 + size] == '.'? &file: strcmp (name, "job_id")? &project: &job;
        json_array_append_new (params, s_param ("PATH", name, row->text, s_param_schema (row), row->example));
    }
}

/*  Whether the edge keeps its answer under an Idempotency-Key (idempotency.c). */
static bool
s_takes_key (const cf_route_row_t *route)
{
    return strcmp (route->method, "POST") == 0 && strcmp (route->access, "USER") == 0 && route->asks && route->schema
        && strcmp (route->schema, "empty") != 0;
}

static cf_json_t *
s_params (const cf_route_row_t *route)
{
    static const cf_operation_row_t key = { .type = CF_TYPE_TEXT, .least = 1, .most = 255, .name = "Idempotency-Key", .place = "HEADER",
        .text = "The same request with the same key, sent again within 24 hours, gets the first answer again and does nothing more." };
    cf_json_t *params = json_array ();
    const cf_operation_row_t *row;
    size_t at = 0;
    s_add_path_params (params, route);
    while ((row = cf_rows_said (CF_SAID_PARAM, route->handler, &at)))
        if (strcmp (row->place, "PATH"))
            json_array_append_new (params, s_param (row->place, row->name, row->text, s_param_schema (row), row->example));
    if (s_takes_key (route))
        json_array_append_new (params, s_param (key.place, key.name, key.text, s_param_schema (&key), NULL));
    return params;
}

/* ---- body ---- */

static int
s_put_body (cf_json_t *operation, const cf_route_row_t *route, cf_components_t *components, cf_error_t *error)
{
    if (!route->schema)
        return 0;
    const char *name = cf_schemas_add (components->schemas, route->schema, error);
    if (!name)
        return -1;
    return json_object_set_new (operation, "requestBody", json_pack ("{s:b, s:{s:o}}", "required", strcmp (route->schema, "empty") != 0,
                                "content", "application/json", cf_schemas_media (components->schemas, name)));
}

/* ---- answers ---- */

/*  Any of the job's events, as a stream's reader hands it on. */
static int
s_put_event_schema (cf_components_t *components, cf_error_t *error)
{
    if (cf_schemas_has (components->schemas, "JobEvent"))
        return 0;
    cf_json_t *any = json_array ();
    const cf_operation_row_t *row;
    size_t at = 0;
    while ((row = cf_rows_said (CF_SAID_EVENT, "", &at))) {
        char file [NAME_MAX_BYTES];
        snprintf (file, sizeof file, "answers/%s", row->schema);
        const char *name = cf_schemas_add (components->schemas, file, error);
        if (!name) {
            json_decref (any);
            return -1;
        }
        json_array_append_new (any, json_pack ("{s:s, s:s, s:s, s:b, s:[s, s], s:{s:{s:s, s:s}, s:{s:s, s:s, s:s}, s:o}}",
            "title", row->name, "description", row->text, "type", "object", "additionalProperties", 0, "required", "event", "data",
            "properties", "event", "type", "string", "const", row->name,
            "id", "type", "string", "description", "Rises within the job; a token has none.", "pattern", "^[0-9]+$",
            "data", cf_schemas_ref (name)));
    }
    return cf_schemas_put (components->schemas, "JobEvent", json_pack ("{s:s, s:s, s:o}", "title", "JobEvent",
                           "description", "One event of a job's stream: the fields event and id, and data, which is JSON.",
                           "oneOf", any), error);
}

/*  The content of an answer, by its media type; NULL with error. */
static cf_json_t *
s_content (const cf_operation_row_t *row, cf_components_t *components, cf_error_t *error)
{
    char file [NAME_MAX_BYTES];
    const char *schema = row->schema? row->schema: "";
    bool above = strncmp (schema, "../", 3) == 0;
    snprintf (file, sizeof file, "%s%s", above? "": "answers/", above? schema + 3: schema);
    if (row->kind == CF_ANSWER_FILE && strncmp (row->schema, "text/", 5) == 0)
        return json_pack ("{s:{s:{s:s}}}", row->schema, "schema", "type", "string");
    if (row->kind == CF_ANSWER_FILE && strcmp (row->schema, "application/json") == 0)
        return json_pack ("{s:{s:{s:s}}}", row->schema, "schema", "type", "object");
    if (row->kind == CF_ANSWER_FILE)
        return json_pack ("{s:{}}", row->schema);
    if (row->kind == CF_ANSWER_EVENTS)
        return s_put_event_schema (components, error)? NULL
            : json_pack ("{s:{s:o}}", "text/event-stream", "schema", cf_schemas_ref ("JobEvent"));
    const char *name = row->kind == CF_ANSWER_PAGE? cf_schemas_add_page (components->schemas, file, error)
        : cf_schemas_add (components->schemas, file, error);
    return name? json_pack ("{s:o}", "application/json", cf_schemas_media (components->schemas, name)): NULL;
}

static cf_json_t *
s_answer_headers (const cf_route_row_t *route, int status)
{
    cf_json_t *headers = cf_refusals_headers (route->limited);
    const cf_operation_row_t *row;
    size_t at = 0;
    while ((row = cf_rows_said (CF_SAID_SENDS, route->handler, &at)))
        if (row->status == status)
            json_object_set_new (headers, row->name, json_pack ("{s:s, s:b, s:{s:s}}", "description", row->text, "required", 1,
                                                                 "schema", "type", "string"));
    return headers;
}

/*  Rows of the same status are one answer in several media types. */
static int
s_put_answer (cf_json_t *responses, const cf_route_row_t *route, const cf_operation_row_t *row, cf_components_t *components,
              cf_error_t *error)
{
    char status [16];
    snprintf (status, sizeof status, "%d", row->status);
    cf_json_t *content = row->kind == CF_ANSWER_NOTHING? NULL: s_content (row, components, error);
    if (!content && row->kind != CF_ANSWER_NOTHING)
        return -1;
    cf_json_t *response = json_object_get (responses, status);
    if (!response) {
        response = json_pack ("{s:s, s:o}", "description", row->text, "headers", s_answer_headers (route, row->status));
        json_object_set_new (responses, status, response);
        if (content)
            json_object_set (response, "content", content);
    }
    else if (content)
        json_object_update (json_object_get (response, "content"), content);
    json_decref (content);
    return 0;
}

/* ---- refusals ---- */

static const char *
s_when (const cf_route_row_t *route, int status)
{
    const cf_operation_row_t *row;
    size_t at = 0;
    while ((row = cf_rows_said (CF_SAID_REFUSES, route->handler, &at)))
        if (row->status == status)
            return row->text;
    return NULL;
}

static int
s_put_refusals (cf_json_t *responses, const cf_route_row_t *route, cf_components_t *components, bool has_id, cf_error_t *error)
{
    bool known = strcmp (route->access, "PUBLIC") != 0;
    const struct { int status; bool applies; } all [] = {
        { 400, true }, { 401, known }, { 403, known }, { 404, has_id }, { 409, s_takes_key (route) },
        { 413, route->schema != NULL }, { 415, route->schema != NULL }, { 422, route->schema != NULL },
        { 429, route->limited && cf_refusals_has (429) }, { 500, route->asks }, { 503, route->asks }, { 504, false },
    };
    for (size_t at = 0; at < sizeof all / sizeof all [0]; at++) {
        char status [16];
        snprintf (status, sizeof status, "%d", all [at].status);
        const char *when = s_when (route, all [at].status);
        if (!when && !all [at].applies)
            continue;
        cf_json_t *ref = cf_refusals_ref (components->responses, all [at].status, when, error);
        if (!ref)
            return -1;
        json_object_set_new (responses, status, ref);
    }
    return json_object_set_new (responses, "default", cf_refusals_ref_default (components->responses));
}

static int
s_put_responses (cf_json_t *operation, const cf_route_row_t *route, cf_components_t *components, cf_error_t *error)
{
    cf_json_t *responses = json_object ();
    const cf_operation_row_t *row;
    size_t at = 0;
    json_object_set_new (operation, "responses", responses);
    while ((row = cf_rows_said (CF_SAID_ANSWER, route->handler, &at)))
        if (s_put_answer (responses, route, row, components, error))
            return -1;
    if (!json_object_size (responses))
        return cf_error_set (error, CF_ERROR_INVALID, "routes.def has the handler %s, but operations.def no ANSWER of it", route->handler);
    /* a project or job that the body names must be there as one of the path */
    const cf_json_t *body = route->schema? cf_schemas_peek (components->schemas, route->schema): NULL;
    const cf_json_t *members = json_object_get (body, "properties");
    bool has_id = json_object_get (members, "project_id") || json_object_get (members, "job_id") || strchr (route->pattern, '{');
    return s_put_refusals (responses, route, components, has_id, error);
}

/* ---- the whole ---- */

static cf_json_t *
s_security (const cf_route_row_t *route)
{
    if (strcmp (route->access, "PUBLIC") == 0)
        return json_array ();
    if (strcmp (route->access, "STREAM") == 0)
        return json_pack ("[{s:[]}, {s:[]}]", "bearer", "streamToken");
    return json_pack ("[{s:[]}]", "bearer");
}

cf_json_t *
cf_operation_new (const cf_route_row_t *route, const char *path, const char *id, cf_components_t *components, cf_error_t *error)
{
    const cf_tag_row_t *tag = cf_rows_tag_of (path);
    if (!tag) {
        cf_error_set (error, CF_ERROR_INVALID, "tags.def has no prefix of %s", path);
        return NULL;
    }
    char summary [256];
    snprintf (summary, sizeof summary, "%s", route->caption);
    summary [0] = (char) toupper ((unsigned char) summary [0]);
    cf_json_t *operation = json_pack ("{s:[s], s:s, s:s}", "tags", tag->name, "operationId", id, "summary", summary);
    size_t at = 0;
    const cf_operation_row_t *note = cf_rows_said (CF_SAID_NOTE, route->handler, &at);
    if (note)
        json_object_set_new (operation, "description", json_string (note->text));
    json_object_set_new (operation, "security", s_security (route));
    cf_json_t *params = s_params (route);
    if (json_array_size (params))
        json_object_set (operation, "parameters", params);
    json_decref (params);
    if (s_put_body (operation, route, components, error) || s_put_responses (operation, route, components, error)) {
        json_decref (operation);
        return NULL;
    }
    return operation;
}
