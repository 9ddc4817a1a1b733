/* SPDX-License-Identifier: MPL-2.0 */
/*  exports - a project's files as one download, page by page from the store into an archive */

#include "actors/lib/call.h"
#include "http-edge/archive.h"
#include "http-edge/download.h"
#include "http-edge/filename.h"
#include "http-edge/handlers/handlers.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"
#include "proto/base/log.h"

#include <string.h>

#define CF_EXPORTS_PAGE_BYTES (256u * 1024u)    /* of content, asked of the store at once */
#define CF_EXPORTS_PART_BYTES 8192u     /* compressed at once, a fraction of a millisecond; then others have their turn */
#define CF_EXPORTS_PATIENCE_MS 20000u   /* for a page in the middle: a store or database that comes back is waited for */

static const struct {
    const char *name, *extension, *type;
    cf_archive_format_t format;
} s_formats [] = {
    { "zip", ".zip", "application/zip", CF_ARCHIVE_ZIP },
    { "tar.gz", ".tar.gz", "application/gzip", CF_ARCHIVE_TAR_GZ }
};

typedef struct {
    cf_request_t *request;
    cf_download_t *download;
    cf_archive_t *archive;
    size_t compressed;          /* bytes, since others had their turn */
} self_t;

static cf_file_page_t
s_ask (const cf_request_t *request, const char *after)
{
    return (cf_file_page_t) { .project = request->project, .user = request->user, .after = after, .max_bytes = CF_EXPORTS_PAGE_BYTES };
}

/*  Lets the loop serve others where that is due, and the client take what there is. */
static int
s_pause (self_t *self, size_t compressed, cf_error_t *error)
{
    self->compressed += compressed;
    if (self->compressed >= CF_EXPORTS_PART_BYTES) {
        self->compressed = 0;
        if (cf_task_sleep (self->request->task, 0, error))
            return -1;
    }
    return cf_download_send (self->download, error);
}

static int
s_add_file (self_t *self, const cf_json_t *file, cf_error_t *error)
{
    const char *path = cf_json_str (file, "path", ""), *content = cf_json_str (file, "content", "");
    size_t size = strlen (content);
    int result = cf_archive_begin (self->archive, path, size, cf_archive_is_script (path, content), error);
    for (size_t at = 0; result == 0 && at < size; at += CF_EXPORTS_PART_BYTES) {
        size_t part = size - at < CF_EXPORTS_PART_BYTES? size - at: CF_EXPORTS_PART_BYTES;
        result = cf_archive_put (self->archive, content + at, part, error) || s_pause (self, part, error)? -1: 0;
    }
    return result;
}

/*  The page after the last file of this one, which it takes. NULL where there is none; *result is -1 where it could not be had. */
static cf_json_t *
s_next_page (self_t *self, cf_json_t *page, int *result, cf_error_t *error)
{
    const cf_json_t *files = json_object_get (page, "files"), *last = json_array_get (files, json_array_size (files) - 1);
    cf_json_t *next = NULL;
    if (cf_json_bool (page, "more", false)) {
        cf_file_page_t ask = s_ask (self->request, cf_json_str (last, "path", ""));
        cf_project_shown_t *shown = cf_call_patiently (self->request->task, CF_FILE_PAGE, &ask, CF_EXPORTS_PATIENCE_MS, error);
        next = shown? cf_json_parse (shown->shown, strlen (shown->shown), error): NULL;
        *result = next? 0: -1;
        cf_codec_free (&shown);
    }
    json_decref (page);
    return next;
}

/*  Takes page, the first. 0 where the archive is whole. */
static int
s_add_files (self_t *self, cf_json_t *page, cf_error_t *error)
{
    int result = 0;
    while (page && result == 0) {
        size_t at;
        const cf_json_t *file;
        json_array_foreach (json_object_get (page, "files"), at, file)
            if ((result = s_add_file (self, file, error)))
                break;
        if (result == 0)
            page = s_next_page (self, page, &result, error);
    }
    json_decref (page);
    return result == 0? cf_archive_close (self->archive, error): -1;
}

/*  Answers with an archive of the page's files and those that follow; takes page. */
static void
s_send (cf_request_t *request, size_t format, cf_json_t *page)
{
    self_t self = { .request = request };
    cf_error_t error = { 0 };
    cf_buf_t disposition;
    cf_buf_init (&disposition, 4096);
    cf_filename_put (cf_json_str (json_object_get (page, "project"), "title", ""), s_formats [format].extension, &disposition);
    cf_reply_header (request, "content-disposition", disposition.bytes);
    cf_buf_free (&disposition);
    bool head = cf_request_is_head (request);
    self.download = cf_download_new (request, s_formats [format].type, CF_ARCHIVE_OUT_MAX);
    if (!self.download || head) {
        if (self.download)
            cf_download_end (&self.download, true);
        json_decref (page);
        return;
    }
    self.archive = cf_archive_new (s_formats [format].format, cf_download_out (self.download), &error);
    int result = self.archive? s_add_files (&self, page, &error): -1;
    if (!self.archive)
        json_decref (page);
    cf_archive_destroy (&self.archive);
    if (result && request->http)
        cf_log_warning ("an export is broken off: %s", error.text);
    cf_download_end (&self.download, result == 0);
}

void
cf_handle_export_archive (cf_request_t *request)
{
    char name [16];
    size_t format = 0;
    if (!cf_query_choice (request, "format", "zip|tar.gz", name, sizeof name))
        return;
    while (*name && strcmp (s_formats [format].name, name) != 0)
        format++;
    cf_file_page_t ask = s_ask (request, "");
    cf_json_t *page = cf_request_fetch (request, CF_FILE_PAGE, &ask);
    if (!page)
        return;
    if (json_array_size (json_object_get (page, "files")))
        s_send (request, format, page);
    else {
        cf_reply_refused (request, "project_id", "has no files to export");
        json_decref (page);
    }
}
