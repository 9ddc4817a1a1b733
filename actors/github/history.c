/* SPDX-License-Identifier: MPL-2.0 */
/*  history - notes as JSON: [{status, asked: {NAME: …}, repository, commits: [newest first]}], this job's first, then the newest */

#include "actors/github/history.h"
#include "actors/lib/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_HISTORY_CALL_MS 60000u
#define CF_HISTORY_FILES_BYTES (512u << 10)     /* of the list of files; a longer one is not kept */
#define CF_HISTORY_LOST_US 900000000u   /* a repository whose making was never answered is younger than that */
#define CF_HISTORY_COMMIT "commit:"
#define CF_HISTORY_ASKED "asked:"

struct cf_history_t {
    cf_work_t *work;
    cf_json_t *jobs;
};

/*  Adds a note to those of its job. */
static void
s_put (cf_json_t *notes, const char *name, cf_json_t *value)
{
    if (strncmp (name, CF_HISTORY_COMMIT, sizeof CF_HISTORY_COMMIT - 1) == 0)
        json_array_insert (json_object_get (notes, "commits"), 0, value);
    else if (strncmp (name, CF_HISTORY_ASKED, sizeof CF_HISTORY_ASKED - 1) == 0)
        json_object_set (json_object_get (notes, "asked"), name + sizeof CF_HISTORY_ASKED - 1, value);
    else if (strcmp (name, "repository") == 0)
        json_object_set (notes, name, value);
}

/*  The notes in a journal. */
static cf_json_t *
s_read (const cf_json_t *journal, const char *status)
{
    cf_json_t *notes = json_pack ("{sss[]s{}}", "status", status, "commits", "asked"), *entry;
    size_t at;
    json_array_foreach (journal, at, entry) {
        const char *output = cf_json_str (entry, "output", "");
        cf_json_t *value = cf_json_parse (output, strlen (output), NULL);
        s_put (notes, cf_json_str (entry, "name", ""), value);
        json_decref (value);
    }
    return notes;
}

cf_history_t *
cf_history_new (cf_work_t *work)
{
    cf_history_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->work = work;
    self->jobs = json_pack ("[o]", s_read (cf_work_journal (work), "running"));
    return self;
}

void
cf_history_destroy (cf_history_t **self_p)
{
    cf_history_t *self = *self_p;
    if (!self)
        return;
    json_decref (self->jobs);
    free (self);
    *self_p = NULL;
}

int
cf_history_read_earlier (cf_history_t *self, cf_error_t *error)
{
    cf_task_t *task = cf_work_task (self->work);
    cf_job_shown_t *shown = cf_call_patiently (task, CF_JOB_EARLIER, &(cf_job_earlier_t) {
        .job = cf_work_job (self->work), .user = cf_task_context (task)->user }, CF_HISTORY_CALL_MS, error);
    cf_json_t *jobs = shown? cf_json_parse (shown->shown, strlen (shown->shown), error): NULL, *job;
    cf_codec_free (&shown);
    size_t at;
    json_array_foreach (jobs, at, job)
        json_array_append_new (self->jobs, s_read (json_object_get (job, "journal"), cf_json_str (job, "status", "")));
    json_decref (jobs);
    return jobs? 0: -1;
}

/* ---- noting ---- */

/*  Takes value. */
static int
s_note (cf_history_t *self, const char *name, cf_json_t *value, cf_error_t *error)
{
    char *text = value? cf_json_print (value): NULL;
    bool known = cf_work_noted (self->work, name) != NULL;
    int rc = text? cf_work_note (self->work, name, text, error): cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    if (rc == 0 && !known)
        s_put (json_array_get (self->jobs, 0), name, value);
    free (text);
    json_decref (value);
    return rc;
}

int
cf_history_note_asked (cf_history_t *self, const char *name, uint64_t date_us, cf_error_t *error)
{
    char step [sizeof CF_HISTORY_ASKED + 200];
    snprintf (step, sizeof step, CF_HISTORY_ASKED "%s", name);
    return s_note (self, step, json_pack ("{sI}", "date_us", (json_int_t) date_us), error);
}

int
cf_history_note_repository (cf_history_t *self, const cf_repository_t *repository, cf_error_t *error)
{
    return s_note (self, "repository", json_pack ("{sIss}", "id", (json_int_t) repository->id, "head", repository->head), error);
}

int
cf_history_note_commit (cf_history_t *self, const cf_repository_t *repository, const char *commit, const cf_tree_t *ours, cf_error_t *error)
{
    cf_json_t *note = json_pack ("{sIss}", "id", (json_int_t) repository->id, "sha", commit), *files = json_object ();
    char name [64];
    size_t bytes = 0;
    snprintf (name, sizeof name, CF_HISTORY_COMMIT "%s", commit);
    for (const cf_tree_entry_t *entry = cf_tree_first (ours); entry; entry = entry->hh.next) {
        char id [CF_TREE_ID_SIZE];
        json_object_set_new (files, entry->path, json_string (cf_tree_print_id (entry->id, id)));
        bytes += strlen (entry->path) + CF_TREE_ID_SIZE + 8;
    }
    if (bytes <= CF_HISTORY_FILES_BYTES)
        json_object_set (note, "files", files);
    json_decref (files);
    return s_note (self, name, note, error);
}

/* ---- asking ---- */

static bool
s_is_about (const cf_json_t *note, const cf_repository_t *repository)
{
    return note && cf_json_int (note, "id", 0) == repository->id;
}

/*  The job's note of the commit that the repository ends with; NULL where it made none such. */
static const cf_json_t *
s_commit (const cf_json_t *job, const cf_repository_t *repository)
{
    size_t at;
    cf_json_t *commit;
    json_array_foreach (json_object_get (job, "commits"), at, commit)
        if (s_is_about (commit, repository) && *repository->head && strcmp (cf_json_str (commit, "sha", ""), repository->head) == 0)
            return commit;
    return NULL;
}

/*  This job, or one that ended without having come to its end. */
static bool
s_is_unfinished (const cf_json_t *job, size_t at)
{
    const char *status = cf_json_str (job, "status", "");
    return at == 0 || strcmp (status, "failed") == 0 || strcmp (status, "cancelled") == 0;
}

bool
cf_history_is_finished (const cf_history_t *self, const cf_repository_t *repository)
{
    return s_commit (json_array_get (self->jobs, 0), repository) != NULL;
}

/*  Whether the job made it without hearing of that: it noted none, had asked for one of that name, and this one came into being then. */
static bool
s_is_unheard (const cf_json_t *job, const cf_repository_t *repository)
{
    uint64_t date_us = (uint64_t) cf_json_int (json_object_get (json_object_get (job, "asked"), repository->name), "date_us", 0);
    return date_us && !json_object_get (job, "repository") && repository->created_us >= date_us / 1000000u * 1000000u
        && repository->created_us < date_us + CF_HISTORY_LOST_US;
}

bool
cf_history_began (const cf_history_t *self, const cf_repository_t *repository)
{
    size_t at;
    cf_json_t *job;
    json_array_foreach (self->jobs, at, job)
        if (s_is_unfinished (job, at) && (s_is_about (json_object_get (job, "repository"), repository) || s_is_unheard (job, repository)))
            return true;
    return false;
}

bool
cf_history_left (const cf_history_t *self, const cf_repository_t *repository)
{
    size_t at;
    cf_json_t *job;
    json_array_foreach (self->jobs, at, job)
        if (s_is_unfinished (job, at) && s_commit (job, repository))
            return true;
    return false;
}

const cf_json_t *
cf_history_files (const cf_history_t *self, const cf_repository_t *repository)
{
    size_t at;
    cf_json_t *job;
    json_array_foreach (self->jobs, at, job) {
        const cf_json_t *commit = json_array_get (json_object_get (job, "commits"), 0);
        if (strcmp (cf_json_str (job, "status", ""), "completed") == 0 && s_is_about (commit, repository))
            return json_object_get (commit, "files");
    }
    return NULL;
}
