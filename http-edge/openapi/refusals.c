/* SPDX-License-Identifier: MPL-2.0 */
/*  refusals - rows of faults.def and errors.def with the same status are the examples of one answer */

#include "http-edge/openapi/refusals.h"
#include "http-edge/openapi/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXAMPLE_ID "c6a1f0f2-7d0b-4f4e-9a51-2b8f3d6c7e10"

/*  What an answer of this status and code tells in its details; "" stands for any code. */
static const struct { int status; const char *code, *details; } s_details [] = {
    { 400, "",                       "{\"field\": \"page\", \"reason\": \"must be a whole number from 1 to 1000000\"}" },
    { 404, "RESOURCE_NOT_FOUND",     "{\"resource\": \"project\", \"id\": \"2f0e8a52-5f0c-4b1e-9c7d-3a4b5c6d7e8f\"}" },
    { 409, "CONFLICT",               "{\"field\": \"project_id\"}" },
    { 422, "VALIDATION_ERROR",       "{\"errors\": [{\"field\": \"title\", \"message\": \"must have at least 3 characters\", \"type\": \"too_short\"},"
                                     " {\"field\": \"colour\", \"message\": \"is not a known field\", \"type\": \"unknown_field\"}]}" },
    { 429, "RATE_LIMIT_EXCEEDED",    "{\"retry_after\": 7}" },
    { 503, "EXTERNAL_SERVICE_ERROR", "{\"service\": \"database\"}" },
};

/*  Names of the components, and what the answers have beyond those of every answer. */
static const struct { int status; const char *name, *header; } s_statuses [] = {
    { 400, "BadRequest", NULL },            { 401, "Unauthorized", "WWW-Authenticate" },     { 403, "Forbidden", NULL },
    { 404, "NotFound", NULL },              { 409, "Conflict", NULL },                       { 413, "ContentTooLarge", NULL },
    { 415, "UnsupportedMediaType", NULL },  { 422, "UnprocessableContent", NULL },           { 429, "TooManyRequests", "Retry-After" },
    { 500, "InternalServerError", NULL },   { 503, "ServiceUnavailable", "Retry-After" },    { 504, "GatewayTimeout", NULL },
};

#define STATUS_COUNT (sizeof s_statuses / sizeof s_statuses [0])

/* ---- headers ---- */

static const struct { const char *name, *type, *text; bool limited, common; } s_headers [] = {
    { "X-Request-ID",        "string",  "Names the request in our log; a sane one that came with it is kept.", false, true },
    { "traceparent",         "string",  "W3C Trace Context.", false, true },
    { "RateLimit-Limit",     "integer", "Requests that the bucket holds.", true, true },
    { "RateLimit-Remaining", "integer", "Requests that are left in it.", true, true },
    { "RateLimit-Reset",     "integer", "Seconds until it is full again.", true, true },
    { "Retry-After",         "integer", "Seconds after which to try again.", false, false },
    { "WWW-Authenticate",    "string",  "Bearer", false, false },
};

#define HEADER_COUNT (sizeof s_headers / sizeof s_headers [0])

bool
cf_refusals_has (int status)
{
    const cf_refusal_row_t *row;
    for (size_t at = 0; (row = cf_rows_refusal_at (at)); at++)
        if (row->status == status)
            return true;
    return false;
}

static void
s_put_header (cf_json_t *headers, const char *name)
{
    char target [128];
    snprintf (target, sizeof target, "#/components/headers/%s", name);
    json_object_set_new (headers, name, json_pack ("{s:s}", "$ref", target));
}

/*  Those of the rate limit are told of once there is an error for it. */
cf_json_t *
cf_refusals_headers (bool limited)
{
    cf_json_t *headers = json_object ();
    for (size_t at = 0; at < HEADER_COUNT; at++)
        if (s_headers [at].common && ((limited && cf_refusals_has (429)) || !s_headers [at].limited))
            s_put_header (headers, s_headers [at].name);
    return headers;
}

cf_json_t *
cf_refusals_header_components (void)
{
    cf_json_t *headers = json_object ();
    for (size_t at = 0; at < HEADER_COUNT; at++)
        if (!s_headers [at].limited || cf_refusals_has (429))
            json_object_set_new (headers, s_headers [at].name, json_pack ("{s:s, s:b, s:{s:s}}", "description", s_headers [at].text,
                             "required", 1, "schema", "type", s_headers [at].type));
    return headers;
}

/* ---- answers ---- */

static cf_json_t *
s_example (const cf_refusal_row_t *row)
{
    const char *details = "{}";
    for (size_t at = 0; at < sizeof s_details / sizeof s_details [0]; at++)
        if (s_details [at].status == row->status && (!*s_details [at].code || strcmp (s_details [at].code, row->code) == 0))
            details = s_details [at].details;
    return json_pack ("{s:{s:s, s:s, s:o, s:s}}", "value", "error", row->code, "message", row->sentence,
                      "details", cf_json_parse (details, strlen (details), NULL), "request_id", EXAMPLE_ID);
}

/*  Takes the row among the examples, unless one says the same. */
static void
s_add_example (cf_json_t *examples, cf_json_t *sentences, const cf_refusal_row_t *row)
{
    char key [64];
    if (json_object_get (sentences, row->sentence))
        return;
    json_object_set_new (sentences, row->sentence, json_true ());
    snprintf (key, sizeof key, "%s", row->code);
    for (int number = 2; json_object_get (examples, key); number++)
        snprintf (key, sizeof key, "%s_%d", row->code, number);
    json_object_set_new (examples, key, s_example (row));
}

/*  One sentence a code, for people: "VALIDATION_ERROR or CONFLICT". */
static cf_json_t *
s_description (int status)
{
    char text [512] = "";
    const cf_refusal_row_t *row;
    for (size_t at = 0; (row = cf_rows_refusal_at (at)); at++)
        if (row->status == status && !strstr (text, row->code)) {
            size_t size = strlen (text);
            snprintf (text + size, sizeof text - size, "%s%s", size? " or ": "", row->code);
        }
    return json_string (text);
}

static cf_json_t *
s_response (cf_json_t *description, cf_json_t *headers, cf_json_t *examples)
{
    cf_json_t *media = json_pack ("{s:o}", "schema", cf_schemas_ref ("Error"));
    if (examples)
        json_object_set_new (media, "examples", examples);
    return json_pack ("{s:o, s:o, s:{s:o}}", "description", description, "headers", headers, "content", "application/json", media);
}

static cf_json_t *
s_make (int status, const char *header)
{
    const cf_refusal_row_t *row;
    cf_json_t *examples = json_object (), *sentences = json_object (), *headers = cf_refusals_headers (status == 429);
    for (size_t at = 0; (row = cf_rows_refusal_at (at)); at++)
        if (row->status == status)
            s_add_example (examples, sentences, row);
    json_decref (sentences);
    if (header)
        s_put_header (headers, header);
    return s_response (s_description (status), headers, examples);
}

static cf_json_t *
s_ref (const char *name, const char *when)
{
    char target [128];
    snprintf (target, sizeof target, "#/components/responses/%s", name);
    cf_json_t *ref = json_pack ("{s:s}", "$ref", target);
    if (when)
        json_object_set_new (ref, "description", json_string (when));
    return ref;
}

cf_json_t *
cf_refusals_ref (cf_json_t *responses, int status, const char *when, cf_error_t *error)
{
    size_t at = 0;
    while (at < STATUS_COUNT && s_statuses [at].status != status)
        at++;
    if (at == STATUS_COUNT || !cf_refusals_has (status)) {
        cf_error_set (error, CF_ERROR_INVALID, "no error of the tables has status %d, or refusals.c has no name for it", status);
        return NULL;
    }
    if (!json_object_get (responses, s_statuses [at].name))
        json_object_set_new (responses, s_statuses [at].name, s_make (status, s_statuses [at].header));
    return s_ref (s_statuses [at].name, when);
}

cf_json_t *
cf_refusals_ref_default (cf_json_t *responses)
{
    static const char text [] = "Whatever else is wrong with a request, or with the service, in the same shape.";
    if (!json_object_get (responses, "Refusal"))
        json_object_set_new (responses, "Refusal", s_response (json_string (text), cf_refusals_headers (false), NULL));
    return s_ref ("Refusal", NULL);
}

int
cf_refusals_check (const cf_json_t *responses, const cf_schemas_t *schemas)
{
    const char *name, *key;
    cf_json_t *response, *example;
    int faults = 0;
    json_object_foreach ((cf_json_t *) responses, name, response) {
        cf_json_t *media = json_object_get (json_object_get (response, "content"), "application/json");
        json_object_foreach (json_object_get (media, "examples"), key, example)
            faults += cf_schemas_check (schemas, "Error", json_object_get (example, "value"), key)? 1: 0;
    }
    return faults? -1: 0;
}
