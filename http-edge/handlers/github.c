/* SPDX-License-Identifier: MPL-2.0 */
/*  github - a project's way to GitHub: a job that the request waits for, and a token that nothing keeps */

#include "http-edge/await.h"
#include "http-edge/handlers/handlers.h"
#include "http-edge/reply.h"

#include <string.h>

void
cf_handle_export_github (cf_request_t *request)
{
    static const char *const names [] = { "repo_name", "description", "private", "update" };
    cf_json_t *input = json_object (), *token = json_object_get (request->body, "github_token");
    if (request->http)                  /* the body as it came; it has been parsed */
        explicit_bzero (request->http->entity.base, request->http->entity.len);
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++) {
        cf_json_t *value = json_object_get (request->body, names [at]);
        if (value && !json_is_null (value))
            json_object_set (input, names [at], value);
    }
    cf_json_t *exported = cf_await_result_with (request, "github", request->project, input, json_string_value (token));
    explicit_bzero ((char *) json_string_value (token), json_string_length (token));
    if (exported)
        cf_reply_document (request, 200, exported);
}
