/* SPDX-License-Identifier: MPL-2.0 */
/*  projects - made, read, listed, changed and archived by the store */

#include "http-edge/handlers/handlers.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"
#include "proto/codec.h"

#include <stdio.h>
#include <stdlib.h>

void
cf_handle_project_create (cf_request_t *request)
{
    char project [CF_UUID_SIZE], location [64];
    char *body = cf_json_print (request->body);
    snprintf (location, sizeof location, "/v1/projects/%s", cf_request_new_id (request, project));
    cf_request_show_made (request, location, CF_PROJECT_CREATE, &(cf_project_create_t) {
        .project = project, .user = request->user, .body = body });
    free (body);
}

void
cf_handle_project_list (cf_request_t *request)
{
    uint32_t page, page_size;
    char mode [16], status [16];
    if (!cf_query_page (request, 50, &page, &page_size)
        || !cf_query_choice (request, "mode", "builder|student", mode, sizeof mode)
        || !cf_query_choice (request, "status", "planning|in-progress|building|completed|archived", status, sizeof status))
        return;
    cf_request_show (request, 200, CF_PROJECT_LIST, &(cf_project_list_t) {
        .user = request->user, .page = page, .page_size = page_size, .mode = mode, .status = status });
}

void
cf_handle_project_read (cf_request_t *request)
{
    cf_request_show (request, 200, CF_PROJECT_READ, &(cf_project_read_t) { .project = request->project, .user = request->user });
}

void
cf_handle_project_update (cf_request_t *request)
{
    char *body = cf_request_changes (request);
    if (body)
        cf_request_show (request, 200, CF_PROJECT_UPDATE, &(cf_project_update_t) {
            .project = request->project, .user = request->user, .body = body });
    free (body);
}

void
cf_handle_project_archive (cf_request_t *request)
{
    cf_project_shown_t *archived = cf_request_ask (request, CF_PROJECT_ARCHIVE, &(cf_project_archive_t) {
        .project = request->project, .user = request->user });
    if (archived)
        cf_reply_document (request, 200, json_pack ("{s:s, s:s}", "message", "The project was archived.", "project_id", request->project));
    cf_codec_free (&archived);
}
