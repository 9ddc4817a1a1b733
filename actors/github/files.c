/* SPDX-License-Identifier: MPL-2.0 */
/*  files - entries of trees, collected until they make a call
 *
 *  Content goes into the tree itself; a call of its own for each file (a blob) would be a hundred calls for a hundred files, and
 *  GitHub allows 80 a minute. Only what arrives there as something else than was sent is sent again in that way.
 */

#include "actors/github/files.h"
#include "actors/lib/call.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_FILES_CALL_BYTES (4u << 20)  /* of entries in a call; GitHub gives up what takes it more than 10 s */
#define CF_FILES_ENTRIES_MAX (CF_FILES_CALL_BYTES + (2u << 20))     /* with the one that made it full */
#define CF_FILES_PAGE_CALL_MS 60000u
#define CF_FILES_PAGE_BYTES (2u << 20)
#define CF_FILES_BLOBS_MAX 40u          /* half of what GitHub allows in a minute */
#define CF_FILES_FROM 40u               /* progress in percent: of the first file, and after the last */
#define CF_FILES_TO 80u

struct cf_files_t {
    cf_repository_t *repository;
    cf_tree_t *whole, *added;
    bool on_top;                        /* of a tree that was there */
    cf_buf_t entries;                   /* not sent yet */
    char name [CF_TREE_ID_SIZE];        /* tree of what was sent, "": nothing was */
    size_t expected;
};

cf_files_t *
cf_files_new (cf_repository_t *repository, const cf_tree_t *base)
{
    cf_files_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->repository = repository;
    self->whole = cf_tree_new ();
    self->added = cf_tree_new ();
    cf_buf_init (&self->entries, CF_FILES_ENTRIES_MAX);
    bool good = self->whole && self->added;
    for (const cf_tree_entry_t *entry = base? cf_tree_first (base): NULL; good && entry; entry = entry->hh.next)
        good = cf_tree_put (self->whole, entry->path, entry->mode, entry->id, NULL) == 0;
    self->on_top = base != NULL;
    if (base)
        memcpy (self->name, repository->tree, sizeof self->name);
    if (!good)
        cf_files_destroy (&self);
    return self;
}

void
cf_files_destroy (cf_files_t **self_p)
{
    cf_files_t *self = *self_p;
    if (!self)
        return;
    cf_tree_destroy (&self->whole);
    cf_tree_destroy (&self->added);
    cf_buf_free (&self->entries);
    free (self);
    *self_p = NULL;
}

const cf_tree_t *
cf_files_added (const cf_files_t *self)
{
    return self->added;
}

const cf_tree_t *
cf_files_whole (const cf_files_t *self)
{
    return self->whole;
}

/* ---- entries ---- */

/*  Sends what there is, on top of what was sent. */
static int
s_flush (cf_files_t *self, cf_error_t *error)
{
    if (self->entries.overflowed)
        return cf_error_set (error, CF_ERROR_INTERNAL, "the entries of a tree are larger than %zu bytes", self->entries.max);
    if (!self->entries.size)
        return 0;
    char name [CF_TREE_ID_SIZE];
    if (cf_repository_put_tree (self->repository, self->name, self->entries.bytes, name, error))
        return -1;
    memcpy (self->name, name, sizeof name);
    cf_buf_free (&self->entries);
    return 0;
}

static void
s_begin_entry (cf_files_t *self, const char *path, cf_tree_mode_t mode)
{
    cf_buf_puts (&self->entries, self->entries.size? ",{\"path\":": "{\"path\":");
    cf_buf_put_json (&self->entries, path, strlen (path));
    cf_buf_printf (&self->entries, ",\"mode\":\"%06o\",\"type\":\"blob\",", (unsigned) mode);
}

static int
s_put_content (cf_files_t *self, const char *path, cf_tree_mode_t mode, const char *content, cf_error_t *error)
{
    s_begin_entry (self, path, mode);
    cf_buf_puts (&self->entries, "\"content\":");
    cf_buf_put_json (&self->entries, content, strlen (content));
    cf_buf_puts (&self->entries, "}");
    return self->entries.size < CF_FILES_CALL_BYTES? 0: s_flush (self, error);
}

/*  id NULL: the file goes. */
static void
s_put_name (cf_files_t *self, const char *path, cf_tree_mode_t mode, const unsigned char *id)
{
    char name [CF_TREE_ID_SIZE];
    s_begin_entry (self, path, mode);
    if (id)
        cf_buf_printf (&self->entries, "\"sha\":\"%s\"}", cf_tree_print_id (id, name));
    else
        cf_buf_puts (&self->entries, "\"sha\":null}");
}

int
cf_files_remove (cf_files_t *self, const char *path, cf_error_t *error)
{
    const cf_tree_entry_t *entry = cf_tree_lookup (self->whole, path);
    if (!entry)
        return 0;
    s_put_name (self, path, entry->mode, NULL);
    cf_tree_remove (self->whole, path);
    return self->entries.size < CF_FILES_CALL_BYTES? 0: s_flush (self, error);
}

int
cf_files_add (cf_files_t *self, const char *path, const char *content, cf_error_t *error)
{
    unsigned char id [CF_TREE_ID_BYTES];
    cf_tree_mode_t mode = cf_tree_mode_of (path, content);
    cf_tree_name_content (content, strlen (content), id);
    const cf_tree_entry_t *there = cf_tree_lookup (self->whole, path);
    bool same = there && memcmp (there->id, id, sizeof id) == 0 && (there->mode == CF_TREE_FILE || there->mode == CF_TREE_SCRIPT);
    if (cf_tree_put (self->added, path, mode, id, error) || (!same && cf_tree_put (self->whole, path, mode, id, error)))
        return cf_refuse_files (self->repository->work, error);
    return same? 0: s_put_content (self, path, mode, content, error);
}

/* ---- the project ---- */

static cf_json_t *
s_page (const cf_files_t *self, const char *after, cf_error_t *error)
{
    cf_work_t *work = self->repository->work;
    cf_task_t *task = cf_work_task (work);
    cf_project_shown_t *shown = cf_call_patiently (task, CF_FILE_PAGE, &(cf_file_page_t) {
        .project = cf_work_project_id (work), .user = cf_task_context (task)->user, .after = after, .max_bytes = CF_FILES_PAGE_BYTES },
        CF_FILES_PAGE_CALL_MS, error);
    cf_json_t *page = shown? cf_json_parse (shown->shown, strlen (shown->shown), error): NULL;
    cf_codec_free (&shown);
    if (!page)
        cf_refuse_files (work, error);
    return page;
}

static void
s_tell (const cf_files_t *self)
{
    char note [96];
    size_t count = cf_tree_count (self->added), done = count < self->expected? count: self->expected;
    snprintf (note, sizeof note, "Sending files: %zu of %zu", done, self->expected);
    uint32_t share = self->expected? (uint32_t) ((CF_FILES_TO - CF_FILES_FROM) * done / self->expected): 0;
    cf_work_progress (self->repository->work, CF_FILES_FROM + share, "files", note);
}

int
cf_files_add_project (cf_files_t *self, size_t expected, cf_error_t *error)
{
    char after [CF_TREE_PATH_MAX] = "";
    bool more = true;
    self->expected = expected;
    while (more) {
        s_tell (self);
        cf_json_t *page = s_page (self, after, error), *file;
        size_t at;
        int rc = page? 0: -1;
        json_array_foreach (json_object_get (page, "files"), at, file) {
            snprintf (after, sizeof after, "%s", cf_json_str (file, "path", ""));
            if (rc == 0)
                rc = cf_files_add (self, after, cf_json_str (file, "content", ""), error);
        }
        more = cf_json_bool (page, "more", false) && json_array_size (json_object_get (page, "files"));
        json_decref (page);
        if (rc)
            return -1;
    }
    s_tell (self);
    return 0;
}

/* ---- the end ---- */

/*  The content of a file of the project as it was named, read again. Yours to free; NULL with error, CONFLICT where it is another by now. */
static char *
s_read_again (cf_files_t *self, const cf_tree_entry_t *entry, cf_error_t *error)
{
    cf_work_t *work = self->repository->work;
    cf_task_t *task = cf_work_task (work);
    cf_project_shown_t *shown = cf_call_patiently (task, CF_FILE_READ, &(cf_file_read_t) {
        .project = cf_work_project_id (work), .user = cf_task_context (task)->user, .path = entry->path }, CF_FILES_PAGE_CALL_MS, error);
    cf_json_t *file = shown? cf_json_parse (shown->shown, strlen (shown->shown), error): NULL;
    cf_codec_free (&shown);
    const char *content = cf_json_str (file, "content", "");
    unsigned char id [CF_TREE_ID_BYTES];
    cf_tree_name_content (content, strlen (content), id);
    char *copy = file && memcmp (id, entry->id, sizeof id) == 0? strdup (content): NULL;
    if (file && !copy)
        cf_refuse (work, error, CF_ERROR_CONFLICT, "files", "%.300s was changed during the export. Export again.", entry->path);
    json_decref (file);
    return copy;
}

/*  GitHub answered well and did something else. */
static int
s_refuse_odd (const cf_files_t *self, cf_error_t *error)
{
    return cf_refuse_answer (self->repository->work, error, &(cf_api_answer_t) { .kind = CF_JUDGE_DOWN, .status = 200 }, "");
}

static int
s_send_blob (cf_files_t *self, const cf_tree_entry_t *entry, cf_error_t *error)
{
    char name [CF_TREE_ID_SIZE], wanted [CF_TREE_ID_SIZE];
    char *content = s_read_again (self, entry, error);
    if (!content)
        return -1;
    int rc = cf_repository_put_blob (self->repository, content, strlen (content), name, error);
    free (content);
    if (rc)
        return -1;
    if (strcmp (name, cf_tree_print_id (entry->id, wanted)))
        return s_refuse_odd (self, error);
    s_put_name (self, entry->path, entry->mode, entry->id);
    return 0;
}

/*  Sends what did not arrive as it was meant once more, each as a blob. */
static int
s_mend (cf_files_t *self, cf_error_t *error)
{
    cf_tree_t *arrived = cf_tree_new ();
    int rc = arrived? cf_repository_list (self->repository, self->name, arrived, error): cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    unsigned blobs = 0;
    for (const cf_tree_entry_t *entry = cf_tree_first (self->added); rc == 0 && entry; entry = entry->hh.next) {
        const cf_tree_entry_t *there = cf_tree_lookup (arrived, entry->path);
        if (there && memcmp (there->id, entry->id, sizeof entry->id) == 0)
            continue;
        rc = blobs++ < CF_FILES_BLOBS_MAX? s_send_blob (self, entry, error): s_refuse_odd (self, error);
    }
    cf_tree_destroy (&arrived);
    cf_log_info ("%u files sent to GitHub once more, as blobs", blobs);
    return rc? -1: s_flush (self, error);
}

int
cf_files_finish (cf_files_t *self, char tree [CF_TREE_ID_SIZE], cf_error_t *error)
{
    if (cf_tree_name (self->whole, tree, error)) {
        const cf_error_t refused = *error;      /* the project's files by themselves are well: export.c has looked */
        return self->on_top? cf_refuse (self->repository->work, error, CF_ERROR_CONFLICT, "repo_name", "%s", refused.text):
                             cf_refuse_files (self->repository->work, error);
    }
    if (s_flush (self, error))
        return -1;
    if (strcmp (self->name, tree) == 0)
        return 0;
    if (s_mend (self, error))
        return -1;
    return strcmp (self->name, tree) == 0? 0: s_refuse_odd (self, error);
}
