/* SPDX-License-Identifier: MPL-2.0 */
/*  files - a project's: listed, read, written and deleted by the store, rewritten in part by the code agent */

#include "http-edge/await.h"
#include "http-edge/handlers/handlers.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"
#include "proto/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCATION_SIZE (80 + CF_REQUEST_PATH_MAX)

void
cf_handle_file_list (cf_request_t *request)
{
    char include [16];
    if (cf_query_choice (request, "include", "content", include, sizeof include))
        cf_request_show (request, 200, CF_FILE_LIST, &(cf_file_list_t) {
            .project = request->project, .user = request->user, .content = *include != 0 });
}

void
cf_handle_file_read (cf_request_t *request)
{
    cf_request_show (request, 200, CF_FILE_READ, &(cf_file_read_t) {
        .project = request->project, .user = request->user, .path = request->path });
}

/* ---- writing ---- */

/*  The write's id is the request's, so that the store counts it once however often it is sent. */
static cf_file_write_t
s_write (const cf_request_t *request, const char *path, char write [CF_UUID_SIZE])
{
    return (cf_file_write_t) {
        .project = request->project, .user = request->user, .path = path, .content = cf_json_str (request->body, "content", ""),
        .language = cf_json_str (request->body, "language", ""), .write = cf_request_new_id (request, write)
    };
}

void
cf_handle_file_write (cf_request_t *request)
{
    char id [CF_UUID_SIZE], location [LOCATION_SIZE];
    const char *path = cf_json_str (request->body, "path", "");
    cf_file_write_t write = s_write (request, path, id);
    snprintf (location, sizeof location, "/v1/projects/%s/files/%s", request->project, path);
    cf_request_show_made (request, location, CF_FILE_WRITE, &write);
}

/*  The version of If-Match, with or without quotes; 0: of none, or of any. A version that no file can have stays one. False after
    having answered. */
static bool
s_if_match (cf_request_t *request, uint32_t *version)
{
    *version = 0;
    h2o_iovec_t header = cf_request_header (request, "if-match");
    if (!header.base || h2o_memis (header.base, header.len, H2O_STRLIT ("*")))
        return true;
    bool quoted = header.len > 1 && header.base [0] == '"' && header.base [header.len - 1] == '"';
    char digits [32] = "";
    if (header.len - 2u * quoted < sizeof digits)
        memcpy (digits, header.base + quoted, header.len - 2u * quoted);
    if (!*digits || strspn (digits, "0123456789") != strlen (digits)) {
        cf_reply_refused (request, "If-Match", "must be a version, like 3 or \"3\"");
        return false;
    }
    unsigned long long number = strtoull (digits, NULL, 10);
    *version = number && number < UINT32_MAX? (uint32_t) number: UINT32_MAX;
    return true;
}

void
cf_handle_file_put (cf_request_t *request)
{
    char id [CF_UUID_SIZE];
    cf_file_write_t write = s_write (request, request->path, id);
    write.must_exist = true;
    if (s_if_match (request, &write.if_version))
        cf_request_show (request, 200, CF_FILE_WRITE, &write);
}

void
cf_handle_file_delete (cf_request_t *request)
{
    char id [CF_UUID_SIZE];
    cf_project_shown_t *deleted = cf_request_ask (request, CF_FILE_DELETE, &(cf_file_delete_t) {
        .project = request->project, .user = request->user, .path = request->path, .write = cf_request_new_id (request, id) });
    if (deleted)
        cf_reply_document (request, 200, json_pack ("{s:s, s:s}", "message", "The file was deleted.", "path", request->path));
    cf_codec_free (&deleted);
}

/* ---- rewriting a part ---- */

/*  What the code agent is asked; NULL after having answered. */
static cf_json_t *
s_refactoring (cf_request_t *request, const cf_json_t *file, bool apply)
{
    const char *selected = cf_json_str (request->body, "selected_code", ""), *content = cf_json_str (file, "content", "");
    if (!strstr (content, selected)) {
        cf_reply_refused (request, "selected_code", "does not occur in the file");
        return NULL;
    }
    return json_pack ("{s:s, s:O, s:s, s:s, s:s, s:b}", "selected_code", selected, "instruction",
                      json_object_get (request->body, "instruction"), "file_path", request->path, "full_file_content", content,
                      "language", cf_json_str (file, "language", "text"), "apply", apply);
}

void
cf_handle_file_refactor (cf_request_t *request)
{
    char apply [8];
    if (!cf_query_choice (request, "apply", "0|1|true|false", apply, sizeof apply))
        return;
    cf_json_t *file = cf_request_fetch (request, CF_FILE_READ, &(cf_file_read_t) {
        .project = request->project, .user = request->user, .path = request->path });
    cf_json_t *input = file? s_refactoring (request, file, strcmp (apply, "1") == 0 || strcmp (apply, "true") == 0): NULL;
    json_decref (file);
    cf_json_t *result = input? cf_await_result (request, "code", request->project, input): NULL;
    if (result)
        cf_reply_document (request, 200, result);
}
