/* SPDX-License-Identifier: MPL-2.0 */
/*  projects - made, read and listed by the store */

#include "http-edge/handlers/handlers.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"
#include "proto/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
cf_handle_project_create (cf_request_t *request)
{
    char project [CF_UUID_SIZE], location [64];
    char *body = cf_json_print (request->body);
    cf_project_shown_t *shown = cf_request_ask (request, CF_PROJECT_CREATE, &(cf_project_create_t) {
        .project = cf_uuid_new (project), .user = request->user, .body = body });
    free (body);
    if (shown) {
        snprintf (location, sizeof location, "/v1/projects/%s", project);
        cf_reply_header (request, "location", location);
        cf_reply_json (request, 201, shown->shown, strlen (shown->shown));
    }
    cf_codec_free (&shown);
}

void
cf_handle_project_list (cf_request_t *request)
{
    uint32_t page, page_size;
    char mode [16], status [16];
    if (!cf_query_number (request, "page", 1, 1000000, 1, &page) || !cf_query_number (request, "page_size", 1, 50, 20, &page_size)
        || !cf_query_choice (request, "mode", "builder|student", mode, sizeof mode)
        || !cf_query_choice (request, "status", "planning|in-progress|building|completed|archived", status, sizeof status))
        return;
    cf_project_shown_t *shown = cf_request_ask (request, CF_PROJECT_LIST, &(cf_project_list_t) {
        .user = request->user, .page = page, .page_size = page_size, .mode = mode, .status = status });
    if (shown)
        cf_reply_json (request, 200, shown->shown, strlen (shown->shown));
    cf_codec_free (&shown);
}

void
cf_handle_project_read (cf_request_t *request)
{
    cf_project_shown_t *shown = cf_request_ask (request, CF_PROJECT_READ, &(cf_project_read_t) {
        .project = request->project, .user = request->user });
    if (shown)
        cf_reply_json (request, 200, shown->shown, strlen (shown->shown));
    cf_codec_free (&shown);
}
