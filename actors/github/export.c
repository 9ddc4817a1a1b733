/* SPDX-License-Identifier: MPL-2.0 */
/*  export - look, plan, do: each call of the plan in its turn
 *
 *  All that can be found wrong without GitHub is found before it is asked, and all that can be found without writing before anything is
 *  written. The files' tree and the commit refer to nothing that can be seen, until the branch is moved: that one call is the export.
 */

#include "actors/github/export.h"
#include "actors/github/files.h"
#include "actors/github/history.h"
#include "actors/github/plan.h"
#include "actors/github/readme.h"
#include "actors/lib/call.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_EXPORT_CALL_MS 60000u
#define CF_EXPORT_DESCRIPTION_MAX 350u  /* characters that GitHub takes */
#define CF_EXPORT_ROUNDS 2              /* an update starts once more where somebody else wrote meanwhile */

typedef struct {
    cf_work_t *work;
    cf_api_t *api;
    cf_gate_t *gate;
    cf_gate_pass_t pass;
    const cf_json_t *input;
    cf_json_t *project;                 /* as the HTTP API shows it */
    cf_tree_t *paths;                   /* of the project's files */
    cf_history_t *history;
    cf_repository_t repository;
    cf_files_t *sent;
    char login [CF_GATE_KEY_SIZE];
    char tree [CF_TREE_ID_SIZE], commit [CF_TREE_ID_SIZE];
    size_t files;                       /* of the project that were exported */
} export_t;

/* ---- the project ---- */

/*  A document of the store, yours to json_decref; NULL with error. */
static cf_json_t *
s_fetch (export_t *self, cf_message_id_t message, const void *fields, cf_error_t *error)
{
    cf_project_shown_t *shown = cf_call_patiently (cf_work_task (self->work), message, fields, CF_EXPORT_CALL_MS, error);
    cf_json_t *document = shown? cf_json_parse (shown->shown, strlen (shown->shown), error): NULL;
    cf_codec_free (&shown);
    if (!document)
        cf_refuse_files (self->work, error);
    return document;
}

static int
s_take_paths (export_t *self, const cf_json_t *files, cf_error_t *error)
{
    static const unsigned char unknown [CF_TREE_ID_BYTES] = { 0 };
    char name [CF_TREE_ID_SIZE];
    size_t at;
    cf_json_t *file;
    int rc = self->paths? 0: cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    json_array_foreach (files, at, file)
        if (rc == 0)
            rc = cf_tree_put (self->paths, cf_json_str (file, "path", ""), CF_TREE_FILE, unknown, error);
    if (rc == 0)
        rc = cf_tree_name (self->paths, name, error);
    return rc? cf_refuse_files (self->work, error): 0;
}

/*  Reads what the project is and which files it has, and whether a repository can hold them. */
static int
s_read_project (export_t *self, cf_error_t *error)
{
    const char *project = cf_work_project_id (self->work), *user = cf_task_context (cf_work_task (self->work))->user;
    self->project = s_fetch (self, CF_PROJECT_READ, &(cf_project_read_t) { .project = project, .user = user }, error);
    cf_json_t *list = self->project? s_fetch (self, CF_FILE_LIST, &(cf_file_list_t) { .project = project, .user = user }, error): NULL;
    if (!list)
        return -1;
    self->paths = cf_tree_new ();
    int rc = s_take_paths (self, json_object_get (list, "files"), error);
    json_decref (list);
    if (rc == 0 && !cf_tree_count (self->paths))
        rc = cf_refuse (self->work, error, CF_ERROR_INVALID, "project_id", "The project has no files yet: there is nothing to export.");
    return rc;
}

/* ---- the account ---- */

/*  Asks whose the token is. */
static int
s_identify (export_t *self, cf_error_t *error)
{
    static const char allowed [] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    cf_api_answer_t answer;
    if (cf_api_call (self->api, cf_work_task (self->work), "GET", "/user", NULL, false, &answer, error))
        return -1;
    const char *login = cf_json_str (answer.document, "login", "");
    size_t size = strlen (login);
    if (answer.kind == CF_JUDGE_DONE && (!size || size >= sizeof self->login || strspn (login, allowed) != size || *login == '.'))
        answer.kind = CF_JUDGE_DOWN;
    int rc = answer.kind == CF_JUDGE_DONE? 0: cf_refuse_answer (self->work, error, &answer, "read its account");
    if (rc == 0)
        memcpy (self->login, login, size + 1);
    cf_api_answer_free (&answer);
    return rc;
}

static int
s_take_turn (export_t *self, cf_error_t *error)
{
    if (cf_gate_is_busy (self->gate, self->login))
        cf_work_progress (self->work, 10, "repository", "Waiting for another export to end");
    return cf_gate_enter (self->gate, cf_work_task (self->work), self->login, &self->pass, error);
}

/* ---- what is there ---- */

/*  Whether an export that did not come to its end left the repository as it is. */
static int
s_is_left_over (export_t *self, bool *is, cf_error_t *error)
{
    cf_repository_t *repository = &self->repository;
    *is = cf_repository_is_seed (repository);
    if (*is)
        return 0;
    if (cf_history_read_earlier (self->history, error))
        return -1;
    *is = repository->alone && cf_history_left (self->history, repository);
    return *is || !cf_history_began (self->history, repository)? 0: cf_repository_is_begun (repository, is, error);
}

static int
s_survey (export_t *self, cf_plan_state_t *state, cf_error_t *error)
{
    cf_repository_t *repository = &self->repository;
    bool left_over;
    if (cf_repository_look (repository, self->login, cf_json_str (self->input, "repo_name", ""), error))
        return -1;
    if (repository->id && repository->archived)
        return cf_refuse (self->work, error, CF_ERROR_CONFLICT, "repo_name", "The repository is archived. Unarchive it, or choose another name.");
    if (!repository->id)
        *state = CF_PLAN_ABSENT;
    else if (!*repository->head)
        *state = CF_PLAN_EMPTY;
    else if (cf_history_is_finished (self->history, repository))
        *state = CF_PLAN_FINISHED;
    else if (s_is_left_over (self, &left_over, error))
        return -1;
    else
        *state = left_over? CF_PLAN_BEGUN: CF_PLAN_FILLED;
    return 0;
}

/* ---- the calls of the plan ---- */

/*  One line of at most 350 characters: GitHub takes no controls. The caller's to free. */
static char *
s_description (const export_t *self)
{
    const char *own = cf_json_str (self->input, "description", ""), *text = *own? own: cf_json_str (self->project, "description", "");
    cf_buf_t line;
    cf_buf_init (&line, 4u * CF_EXPORT_DESCRIPTION_MAX + 4);
    unsigned count = 0;
    for (const unsigned char *at = (const unsigned char *) text; *at; at++) {
        count += (*at & 0xC0) != 0x80;
        if (count > CF_EXPORT_DESCRIPTION_MAX)
            break;
        cf_buf_putc (&line, *at < 0x20 || *at == 0x7F? ' ': (char) *at);
    }
    return cf_buf_take (&line);
}

static int
s_create (export_t *self, cf_error_t *error)
{
    const char *name = cf_json_str (self->input, "repo_name", "");
    char whole [sizeof self->login + 128], *description = s_description (self);
    snprintf (whole, sizeof whole, "%s/%s", self->login, name);
    cf_work_progress (self->work, 20, "repository", "Making the repository");
    int rc = cf_history_note_asked (self->history, whole, cf_api_date_us (self->api), error);
    if (rc == 0)
        rc = cf_repository_create (&self->repository, self->login, name, description? description: "",
                                   cf_json_bool (self->input, "private", true), error);
    free (description);
    return rc? -1: cf_history_note_repository (self->history, &self->repository, error);
}

static int
s_seed (export_t *self, cf_error_t *error)
{
    cf_work_progress (self->work, 20, "repository", "Beginning the repository");
    return cf_repository_seed (&self->repository, error)? -1: cf_history_note_repository (self->history, &self->repository, error);
}

/*  Files that an earlier export brought, that nobody has changed since, and that the project no longer has. What it got without having
    had it stays. */
static int
s_remove_dropped (export_t *self, cf_error_t *error)
{
    const char *path;
    cf_json_t *name;
    int rc = 0;
    json_object_foreach ((cf_json_t *) cf_history_files (self->history, &self->repository), path, name) {
        const cf_tree_entry_t *there = cf_tree_lookup (cf_files_whole (self->sent), path);
        char id [CF_TREE_ID_SIZE];
        bool ours = there && json_is_string (name) && strcmp (cf_tree_print_id (there->id, id), json_string_value (name)) == 0;
        bool made_up = strcmp (path, CF_README_PATH) == 0 || strcmp (path, CF_README_IGNORED_PATH) == 0;
        if (rc == 0 && ours && !made_up && !cf_tree_lookup (self->paths, path))
            rc = cf_files_remove (self->sent, path, error);
    }
    return rc;
}

static int
s_add_made_up (export_t *self, cf_error_t *error)
{
    int rc = 0;
    if (!cf_tree_has_top (cf_files_whole (self->sent), "README", true)) {
        char *text = cf_readme_text (self->project);
        rc = text? cf_files_add (self->sent, CF_README_PATH, text, error): cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        free (text);
    }
    if (rc == 0 && !cf_tree_has_top (cf_files_whole (self->sent), CF_README_IGNORED_PATH, false))
        rc = cf_files_add (self->sent, CF_README_IGNORED_PATH, cf_readme_ignored (), error);
    return rc;
}

/*  on_top: over the files that are there. */
static int
s_send_files (export_t *self, bool on_top, cf_error_t *error)
{
    cf_repository_t *repository = &self->repository;
    cf_tree_t *base = on_top? cf_tree_new (): NULL;
    int rc = base? cf_repository_list (repository, repository->tree, base, error): 0;
    cf_files_destroy (&self->sent);
    self->sent = rc? NULL: cf_files_new (repository, base);
    cf_tree_destroy (&base);
    if (rc == 0 && !self->sent)
        rc = cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    if (rc == 0 && on_top)
        rc = s_remove_dropped (self, error);
    if (rc == 0)
        rc = cf_files_add_project (self->sent, cf_tree_count (self->paths), error);
    if (rc)
        return -1;
    self->files = cf_tree_count (cf_files_added (self->sent));
    return s_add_made_up (self, error) || cf_files_finish (self->sent, self->tree, error)? -1: 0;
}

static int
s_commit (export_t *self, bool on_top, cf_error_t *error)
{
    char message [512];
    cf_repository_t *repository = &self->repository;
    cf_work_progress (self->work, 80, "commit", "Writing the commit");
    snprintf (message, sizeof message, "%s: export from CodeForge", cf_json_str (self->project, "title", "Project"));
    if (cf_repository_commit (repository, self->tree, on_top? repository->head: "", message, self->commit, error))
        return -1;
    return cf_history_note_commit (self->history, repository, self->commit, cf_files_added (self->sent), error);
}

/*  Shows the commit. *again: somebody else wrote meanwhile, and the export may start again from there. */
static int
s_move (export_t *self, bool on_top, bool *again, cf_error_t *error)
{
    bool moved;
    if (cf_repository_move (&self->repository, self->commit, on_top, &moved, error))
        return -1;
    if (moved && !*again)
        return cf_refuse (self->work, error, CF_ERROR_CONFLICT, "repo_name",
                          "Somebody else wrote to the repository during the export, or its rules forbid it. Nothing of theirs was touched.");
    *again = moved;
    return moved? cf_repository_look_at_head (&self->repository, error): 0;
}

static int
s_do (export_t *self, const cf_plan_t *plan, bool *again, cf_error_t *error)
{
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < plan->count; at++)
        switch (plan->calls [at]) {
            case CF_PLAN_CREATE:        rc = s_create (self, error); break;
            case CF_PLAN_SEED:          rc = s_seed (self, error); break;
            case CF_PLAN_TREE:          rc = s_send_files (self, false, error); break;
            case CF_PLAN_TREE_ON_TOP:   rc = s_send_files (self, true, error); break;
            case CF_PLAN_COMMIT:        rc = s_commit (self, false, error); break;
            case CF_PLAN_COMMIT_ON_TOP: rc = s_commit (self, true, error); break;
            case CF_PLAN_REPLACE:       *again = false; rc = s_move (self, false, again, error); break;
            case CF_PLAN_ADVANCE:       rc = s_move (self, true, again, error); break;
        }
    return rc;
}

/* ---- all of it ---- */

static int
s_bring (export_t *self, cf_error_t *error)
{
    cf_plan_state_t state = CF_PLAN_FILLED;
    if (s_survey (self, &state, error))
        return -1;
    const cf_plan_t *plan = cf_plan (state, cf_json_bool (self->input, "update", false));
    cf_log_info ("export to a repository that is %s", cf_plan_state_name (state));
    if (plan->refused)
        return cf_refuse (self->work, error, CF_ERROR_CONFLICT, "repo_name",
                          "The account has a repository of that name, and there is something in it. Choose another name, or export with update.");
    if (state == CF_PLAN_FINISHED) {
        memcpy (self->commit, self->repository.head, sizeof self->commit);
        self->files = cf_tree_count (self->paths);
    }
    bool again = true;
    for (int round = 1; again; round++) {
        again = round < CF_EXPORT_ROUNDS && plan->count;
        if (s_do (self, plan, &again, error))
            return -1;
    }
    return 0;
}

cf_json_t *
cf_export (cf_work_t *work, cf_api_t *api, cf_gate_t *gate, const cf_json_t *input, cf_error_t *error)
{
    export_t self = { .work = work, .api = api, .gate = gate, .input = input, .repository = { .work = work, .api = api } };
    cf_json_t *result = NULL;
    cf_work_progress (work, 10, "repository", "Looking at GitHub");
    self.history = cf_history_new (work);
    int rc = self.history? 0: cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    if (rc == 0 && s_read_project (&self, error) == 0 && s_identify (&self, error) == 0 && s_take_turn (&self, error) == 0) {
        if (s_bring (&self, error) == 0)
            result = json_pack ("{sssssssI}", "repo_url", self.repository.page_url, "clone_url", self.repository.clone_url,
                                "commit_sha", self.commit, "files_exported", (json_int_t) self.files);
        cf_gate_leave (gate, &self.pass);
    }
    cf_log_info ("export ended after %u calls that write", cf_api_writes (api));
    cf_files_destroy (&self.sent);
    cf_history_destroy (&self.history);
    cf_tree_destroy (&self.paths);
    json_decref (self.project);
    return result;
}
