/* SPDX-License-Identifier: MPL-2.0 */
/*  body - one compiled schema a route */

#include "http-edge/body.h"
#include "http-edge/input.h"
#include "proto/base/config.h"
#include "proto/base/json.h"
#include "proto/schema.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ROUTES_MAX 128

static cf_schema_t *s_schemas [ROUTES_MAX];     /* by the route's place in the table */

static size_t
s_place (const cf_route_t *route)
{
    return (size_t) (route - cf_route_at (0));
}

static bool
s_is_runnable (const char *agent)
{
    const cf_actor_row_t *row = cf_message_actor_named (agent);
    return row && row->kind == CF_ACTOR_KIND_AGENT && strcmp (agent, "pipeline") != 0;
}

/*  Takes the names of agents that have no row in actors.def out of the choices: adding the row opens them. */
static void
s_narrow_agents (cf_json_t *document)
{
    cf_json_t *type = json_object_get (json_object_get (document, "properties"), "agent_type");
    cf_json_t *choices = json_object_get (type, "enum");
    for (size_t at = json_array_size (choices); at-- > 0;)
        if (!s_is_runnable (json_string_value (json_array_get (choices, at))))
            json_array_remove (choices, at);
}

static cf_schema_t *
s_load (const char *name, cf_error_t *error)
{
    char relative [128];
    snprintf (relative, sizeof relative, "schema/%s.json", name);
    cf_json_t *document = cf_json_load (cf_config_share (relative), error);
    if (!document)
        return NULL;
    s_narrow_agents (document);
    cf_schema_t *schema = cf_schema_new (document, true, error);
    json_decref (document);
    return schema;
}

int
cf_body_load_schemas (cf_error_t *error)
{
    const cf_route_t *route;
    for (size_t at = 0; (route = cf_route_at (at)); at++) {
        if (at == ROUTES_MAX)
            return cf_error_set (error, CF_ERROR_INTERNAL, "more than %d routes", ROUTES_MAX);
        if (route->schema && !s_schemas [at] && !(s_schemas [at] = s_load (route->schema, error)))
            return -1;
    }
    return 0;
}

static bool
s_is (const char *text, size_t size, const char *wanted)
{
    return strlen (wanted) == size && strncasecmp (text, wanted, size) == 0;
}

/*  Whether parameters (what follows the media type, from its semicolon on) leave the charset at UTF-8. */
static bool
s_is_utf8 (const char *parameters, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t start = at;
        while (start < size && strchr ("; \t", parameters [start]))
            start++;
        for (at = start; at < size && parameters [at] != ';'; at++)
            ;
        size_t length = at - start;
        while (length && strchr (" \t", parameters [start + length - 1]))
            length--;
        const char *parameter = parameters + start;
        if (length >= 8 && strncasecmp (parameter, "charset=", 8) == 0
            && !s_is (parameter + 8, length - 8, "utf-8") && !s_is (parameter + 8, length - 8, "\"utf-8\""))
            return false;
    }
    return true;
}

bool
cf_body_is_json (h2o_iovec_t type, h2o_iovec_t encoding)
{
    if (!type.base || (encoding.base && !h2o_lcstris (encoding.base, encoding.len, H2O_STRLIT ("identity"))))
        return false;
    const char *semicolon = memchr (type.base, ';', type.len);
    size_t size = semicolon? (size_t) (semicolon - type.base): type.len;
    while (size && (type.base [size - 1] == ' ' || type.base [size - 1] == '\t'))
        size--;
    bool json = s_is (type.base, size, "application/json")
        || (size > 17 && strncasecmp (type.base, "application/", 12) == 0 && strncasecmp (type.base + size - 5, "+json", 5) == 0);
    return json && (!semicolon || s_is_utf8 (semicolon, type.len - (size_t) (semicolon - type.base)));
}

/*  Everything that is wrong with the parsed document; NULL where nothing is. */
static cf_json_t *
s_faults (const cf_schema_t *schema, cf_json_t *document)
{
    static cf_schema_fault_t faults [CF_BODY_MAX_FAULTS];
    if (cf_input_clean (json_object_get (document, "input_context")) || cf_schema_trim (schema, document))
        return cf_schema_faults_json (faults, 0);
    const cf_json_t *input = json_object_get (document, "input_context");
    size_t count = cf_schema_check (schema, document, faults, CF_BODY_MAX_FAULTS);
    if (count > CF_BODY_MAX_FAULTS)
        count = CF_BODY_MAX_FAULTS;
    if (json_is_object (input))
        count += cf_input_check (input, faults + count, CF_BODY_MAX_FAULTS - count);
    count += cf_input_check_nul (document, "", faults + count, CF_BODY_MAX_FAULTS - count);
    return count? cf_schema_faults_json (faults, count): NULL;
}

cf_json_t *
cf_body_check (const cf_route_t *route, const char *bytes, size_t size, cf_json_t **out)
{
    cf_error_t error = { 0 };
    size_t offset = 0;
    *out = cf_json_parse_with_nul (bytes, size, &error, &offset);
    if (!*out)
        return json_pack ("{s:[{s:s, s:s, s:s, s:I}]}", "errors", "field", "", "message", error.text, "type", "json_invalid",
                          "offset", (json_int_t) offset);
    cf_json_t *details = s_faults (s_schemas [s_place (route)], *out);
    if (details) {
        json_decref (*out);
        *out = NULL;
    }
    return details;
}
