/* SPDX-License-Identifier: MPL-2.0 */
/*  files - a project's, listed and read by the store */

#include "http-edge/handlers/handlers.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"
#include "proto/codec.h"

#include <string.h>

void
cf_handle_file_list (cf_request_t *request)
{
    char include [16];
    if (!cf_query_choice (request, "include", "content", include, sizeof include))
        return;
    cf_project_shown_t *shown = cf_request_ask (request, CF_FILE_LIST, &(cf_file_list_t) {
        .project = request->project, .user = request->user, .content = *include != 0 });
    if (shown)
        cf_reply_json (request, 200, shown->shown, strlen (shown->shown));
    cf_codec_free (&shown);
}

void
cf_handle_file_read (cf_request_t *request)
{
    cf_project_shown_t *shown = cf_request_ask (request, CF_FILE_READ, &(cf_file_read_t) {
        .project = request->project, .user = request->user, .path = request->path });
    if (shown)
        cf_reply_json (request, 200, shown->shown, strlen (shown->shown));
    cf_codec_free (&shown);
}
