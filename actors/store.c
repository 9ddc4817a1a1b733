/* SPDX-License-Identifier: MPL-2.0 */
/*  store - projects, their files, what was said and learned in them; profiles; idempotency keys
 *
 *  Owns:       the tables projects, project_files, chat_messages, learning_roadmaps, daily_sessions, profiles, waitlist and, in
 *              schema codeforge, applied_effects, file_writes and idempotency_keys (actors/project/).
 *  Answers:    PROJECT_*, MESSAGE_LIST, FILE_*, PROFILE_*, ROADMAP_*, CHOICE_KEEP, SESSION_*, PROGRESS_READ    a user's requests
 *              WAITLIST_ADD -> EFFECT_APPLIED      anybody's
 *              KEY_CLAIM -> KEY_CLAIMED, KEY_RENEW, KEY_SETTLE    an edge's, so that a repeated request counts once
 *              PROJECT_CONTEXT -> PROJECT_SHOWN    what an agent needs to know
 *              EFFECT_APPLY -> EFFECT_APPLIED      what a job changes, once an effect
 *  Asks:       PostgreSQL alone.
 *  Stops:      on TERM, when the statements on their way are answered.
 *  If it dies: nothing is lost, all of it is in the database. Callers ask the next instance again; an effect that was
 *              applied, but not yet answered, is not applied twice.
 */

#include "actors/lib/actor.h"
#include "actors/project/effects.h"
#include "actors/project/files.h"
#include "actors/project/keys.h"
#include "actors/project/people.h"
#include "actors/project/projects.h"
#include "actors/project/students.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_STORE_PRUNE_MS 3600000u      /* how often what is over is forgotten */
#define CF_STORE_WRITES_MINUTES 60      /* longer than anybody asks for the same write again */

typedef struct {
    cf_loop_t *loop;
    cf_tables_t *tables;
    cf_timer_t prune;
} self_t;

/*  Says what is not there, or is another's: nobody can tell which. */
static void
s_fail_missing (cf_task_t *task, const char *resource, const char *id)
{
    cf_buf_t details;
    cf_buf_init (&details, 8192);
    cf_buf_printf (&details, "{\"resource\":\"%s\",\"id\":", resource);
    cf_buf_put_json (&details, id, strlen (id));
    cf_buf_puts (&details, "}");
    cf_fail_with (task, CF_ERROR_NOT_FOUND, cf_error_sentence (CF_ERROR_NOT_FOUND), details.overflowed? "": details.bytes);
    cf_buf_free (&details);
}

/*  A message's uuid may be empty; such a project is just unknown. */
static bool
s_is_named (cf_task_t *task, const char *project, const char *user)
{
    if (*project && *user)
        return true;
    s_fail_missing (task, "project", project);
    return false;
}

/*  A refused request names the field that is at fault; a conflict does no more. */
static void
s_fail_field (cf_task_t *task, cf_error_code_t code, const char *field, const char *reason)
{
    cf_buf_t details;
    cf_buf_init (&details, 2048);
    cf_buf_printf (&details, "{\"field\":\"%s\"", field);
    if (code == CF_ERROR_INVALID) {
        cf_buf_puts (&details, ",\"reason\":");
        cf_buf_put_json (&details, reason, strlen (reason));
    }
    cf_buf_puts (&details, "}");
    cf_fail_with (task, code, reason, details.overflowed? "": details.bytes);
    cf_buf_free (&details);
}

static void
s_fail (cf_task_t *task, const cf_error_t *error, const char *field)
{
    if (error->code == CF_ERROR_INVALID || error->code == CF_ERROR_CONFLICT)
        s_fail_field (task, error->code, field, error->text);
    else
        cf_fail (task, error);
}

/*  What a verdict of tables.h means to the caller. */
static const struct {
    const char *verdict;
    cf_error_code_t code;               /* NOT_FOUND: subject is what is missing; else the field that is at fault */
    const char *subject, *reason;
} s_verdicts [] = {
    { CF_TABLES_ARCHIVED,    CF_ERROR_CONFLICT,  "project_id", "The project is archived." },
    { CF_TABLES_NO_STUDENT,  CF_ERROR_INVALID,   "project_id", "The project is not in student mode." },
    { CF_TABLES_NO_FILE,     CF_ERROR_NOT_FOUND, "file",       "" },
    { CF_TABLES_UNSAFE,      CF_ERROR_INVALID,   "path",       "A file of the project has a path that cannot be exported." },
    { CF_TABLES_NO_ROADMAP,  CF_ERROR_NOT_FOUND, "roadmap",    "" },
    { CF_TABLES_TAKEN,       CF_ERROR_NOT_FOUND, "session",    "" },
    { CF_TABLES_STALE,       CF_ERROR_CONFLICT,  "version",    "The file has another version by now." },
    { CF_TABLES_PAST_STEP,   CF_ERROR_INVALID,   "step_index", "The roadmap's steps are 0 to " },
    { CF_TABLES_PAST_MODULE, CF_ERROR_INVALID,   "module_index", "The roadmap's modules are 0 to " }
};

/*  Whether the statement did what was asked; if not the call is failed. id: of what the caller named. */
static bool
s_is_done (cf_task_t *task, const cf_db_result_t *result, const char *id)
{
    const char *verdict = cf_db_value (result, 0, 1), *bound = cf_db_value (result, 0, 0);
    if (!verdict || !*verdict)
        return true;
    size_t at = 0;
    while (strcmp (s_verdicts [at].verdict, verdict))
        at++;
    if (s_verdicts [at].code == CF_ERROR_NOT_FOUND)
        s_fail_missing (task, s_verdicts [at].subject, id);
    else {
        char reason [128];
        const char *known = s_verdicts [at].reason;
        bool open_ended = known [strlen (known) - 1] == ' ';
        snprintf (reason, sizeof reason, "%s%s%s", known, open_ended && bound? bound: "", open_ended? ".": "");
        s_fail_field (task, s_verdicts [at].code, s_verdicts [at].subject, reason);
    }
    return false;
}

/*  What a handler brings home: the outcome of its statement. */
typedef struct {
    int rc;
    cf_db_result_t *result;
    cf_error_t error;
} found_t;

/*  Whether found holds a document to be shown; if not the call is failed. project and id: what the caller named; field: the one to
    blame where the request is refused. */
static bool
s_is_found (cf_task_t *task, const found_t *found, const char *project, const char *id, const char *field)
{
    if (found->rc)
        s_fail (task, &found->error, field);
    else if (!cf_db_rows (found->result))
        s_fail_missing (task, "project", project);
    else
        return s_is_done (task, found->result, id);
    return false;
}

/*  Answers with the document that was found, and ends found. */
static void
s_show (cf_task_t *task, found_t *found, const char *project, const char *id, const char *field)
{
    if (s_is_found (task, found, project, id, field))
        cf_reply (task, &(cf_project_shown_t) { .shown = cf_db_value (found->result, 0, 0) });
    cf_db_result_destroy (&found->result);
}

/* ---- projects ---- */

static void
s_on_project_create (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_project_create_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_projects_create (self->tables, task, ask->project, ask->user, ask->body, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "body");
}

static void
s_on_project_read (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_project_read_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_projects_read (self->tables, task, ask->project, ask->user, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "project_id");
}

static void
s_on_project_list (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_project_list_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, "any", ask->user))
        return;
    found.rc = cf_projects_list (self->tables, task, ask->user, ask->mode, ask->status, ask->page, ask->page_size, &found.result, &found.error);
    s_show (task, &found, "", "", "page");
}

static void
s_on_project_update (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_project_update_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_projects_update (self->tables, task, ask->project, ask->user, ask->body, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "body");
}

static void
s_on_project_archive (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_project_archive_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_projects_archive (self->tables, task, ask->project, ask->user, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "project_id");
}

static void
s_on_message_list (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_message_list_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_projects_list_messages (self->tables, task, ask->project, ask->user, ask->page, ask->page_size, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "page");
}

/* ---- files ---- */

static void
s_on_file_list (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_file_list_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_files_list (self->tables, task, ask->project, ask->user, ask->content, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "include");
}

static void
s_on_file_read (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_file_read_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_files_read (self->tables, task, ask->project, ask->user, ask->path, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->path, "path");
}

static void
s_on_file_page (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_file_page_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_files_page (self->tables, task, ask->project, ask->user, ask->after, ask->max_bytes, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "after");
}

static void
s_on_file_write (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_file_write_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    cf_files_write_t write = {
        .project = ask->project, .user = ask->user, .path = ask->path, .content = ask->content, .language = ask->language,
        .if_version = ask->if_version, .must_exist = ask->must_exist, .write = ask->write
    };
    found.rc = cf_files_write (self->tables, task, &write, &found.result, &found.error);
    if (s_is_found (task, &found, ask->project, ask->path, "content")) {
        const char *created = cf_db_value (found.result, 0, 2);
        cf_reply (task, &(cf_file_written_t) { .shown = cf_db_value (found.result, 0, 0), .created = created && *created == 't' });
    }
    cf_db_result_destroy (&found.result);
}

static void
s_on_file_delete (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_file_delete_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_files_delete (self->tables, task, ask->project, ask->user, ask->path, ask->write, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->path, "path");
}

/* ---- profiles, waitlist ---- */

static void
s_on_profile_read (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_profile_read_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, "any", ask->user))
        return;
    found.rc = cf_people_read (self->tables, task, ask->user, &found.result, &found.error);
    s_show (task, &found, "", "", "user");
}

static void
s_on_profile_write (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_profile_write_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, "any", ask->user))
        return;
    found.rc = cf_people_write (self->tables, task, ask->user, ask->body, &found.result, &found.error);
    s_show (task, &found, "", "", found.error.code == CF_ERROR_CONFLICT? "username": "body");
}

static void
s_on_waitlist_add (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_waitlist_add_t *ask = fields;
    cf_error_t error = { 0 };
    if (cf_people_wait (self->tables, task, ask->email, &error))
        s_fail (task, &error, "email");
    else
        cf_reply (task, &(cf_effect_applied_t) { 0 });
}

/* ---- student mode ---- */

static void
s_on_roadmap_read (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_roadmap_read_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_students_read_roadmap (self->tables, task, ask->project, ask->user, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "project_id");
}

static void
s_on_roadmap_advance (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_roadmap_advance_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_students_advance (self->tables, task, ask->project, ask->user, ask->step_index, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "step_index");
}

static void
s_on_choice_keep (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_choice_keep_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_students_choose (self->tables, task, ask->project, ask->user, ask->module_index, ask->option_id, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "option_id");
}

static void
s_on_session_add (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_session_add_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_students_add_session (self->tables, task, ask->session, ask->project, ask->user, ask->body, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->session, "body");
}

static void
s_on_session_list (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_session_list_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_students_list_sessions (self->tables, task, ask->project, ask->user, ask->limit, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "limit");
}

static void
s_on_progress_read (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_progress_read_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    found.rc = cf_students_read_progress (self->tables, task, ask->project, ask->user, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "project_id");
}

/* ---- idempotency keys ---- */

static void
s_on_key_claim (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_key_claim_t *ask = fields;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    cf_keys_claimed_t claimed;
    if (cf_keys_claim (self->tables, task, ask->user, ask->key, ask->hash, ask->claim, &claimed, &result, &error))
        s_fail (task, &error, "Idempotency-Key");
    else
        cf_reply (task, &(cf_key_claimed_t) { .state = claimed.state, .status = claimed.status, .answer = claimed.answer,
                                              .headers = *claimed.headers? claimed.headers: "{}" });
    cf_db_result_destroy (&result);
}

static void
s_on_key_renew (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_key_renew_t *ask = fields;
    cf_error_t error = { 0 };
    if (cf_keys_renew (self->tables, task, ask->user, ask->key, ask->claim, &error))
        s_fail (task, &error, "Idempotency-Key");
    else
        cf_reply (task, &(cf_effect_applied_t) { 0 });
}

static void
s_on_key_settle (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_key_settle_t *ask = fields;
    cf_error_t error = { 0 };
    if (cf_keys_settle (self->tables, task, ask->user, ask->key, ask->claim, ask->status, ask->headers, ask->answer, &error))
        s_fail (task, &error, "Idempotency-Key");
    else
        cf_reply (task, &(cf_effect_applied_t) { 0 });
}

/* ---- agents ---- */

static void
s_on_project_context (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_project_context_t *ask = fields;
    found_t found = { 0 };
    if (!s_is_named (task, ask->project, "any"))
        return;
    found.rc = cf_projects_read_context (self->tables, task, ask->project, &found.result, &found.error);
    s_show (task, &found, ask->project, ask->project, "files");
}

static void
s_on_effect_apply (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_effect_apply_t *ask = fields;
    cf_error_t error = { 0 };
    if (!s_is_named (task, ask->project, ask->job))
        return;
    if (cf_effects_apply (self->tables, task, ask->job, ask->effect, ask->project, ask->changes, &error) == 0)
        cf_reply (task, &(cf_effect_applied_t) { 0 });
    else if (error.code == CF_ERROR_NOT_FOUND)
        s_fail_missing (task, "project", ask->project);
    else
        s_fail (task, &error, "changes");
}

/* ---- what is over ---- */

static const struct {
    const char *what;
    int (*prune) (cf_tables_t *tables, cf_task_t *task, uint64_t age, cf_error_t *error);
    uint64_t age;                       /* 0: JOBS_KEEP_DAYS */
} s_forgotten [] = {
    { "effects of ended jobs", cf_effects_prune, 0 },
    { "writes of files", cf_files_prune, CF_STORE_WRITES_MINUTES },
    { "idempotency keys", cf_keys_prune, CF_KEYS_HOURS }
};

static void
s_prune (cf_task_t *task, void *arg)
{
    self_t *self = arg;
    for (size_t at = 0; at < sizeof s_forgotten / sizeof s_forgotten [0]; at++) {
        uint64_t age = s_forgotten [at].age? s_forgotten [at].age: cf_config_u64 (CF_CONFIG_JOBS_KEEP_DAYS);
        cf_error_t error = { 0 };
        int deleted, all = 0;
        do
            all += deleted = s_forgotten [at].prune (self->tables, task, age, &error);
        while (deleted == CF_TABLES_PRUNE_ROWS);
        if (deleted < 0)
            cf_log_warning ("old %s are not forgotten: %s", s_forgotten [at].what, error.text);
        else if (all)
            cf_log_info ("%d %s forgotten", all, s_forgotten [at].what);
    }
}

static void
s_on_prune (void *arg)
{
    self_t *self = arg;
    cf_timer_set (self->loop, &self->prune, CF_STORE_PRUNE_MS, s_on_prune, self);
    cf_task_start (self->loop, s_prune, self, NULL);
}

/* ---- life ---- */

static void
s_on_end (void *arg)
{
    self_t *self = arg;
    cf_timer_clear (self->loop, &self->prune);
    cf_tables_destroy (&self->tables);
}

int
main (void)
{
    static const cf_handler_t handlers [] = {
        { CF_PROJECT_CREATE, s_on_project_create }, { CF_PROJECT_READ, s_on_project_read }, { CF_PROJECT_LIST, s_on_project_list },
        { CF_PROJECT_UPDATE, s_on_project_update }, { CF_PROJECT_ARCHIVE, s_on_project_archive }, { CF_MESSAGE_LIST, s_on_message_list },
        { CF_FILE_LIST, s_on_file_list }, { CF_FILE_READ, s_on_file_read }, { CF_FILE_PAGE, s_on_file_page },
        { CF_FILE_WRITE, s_on_file_write }, { CF_FILE_DELETE, s_on_file_delete },
        { CF_PROFILE_READ, s_on_profile_read }, { CF_PROFILE_WRITE, s_on_profile_write }, { CF_WAITLIST_ADD, s_on_waitlist_add },
        { CF_ROADMAP_READ, s_on_roadmap_read }, { CF_ROADMAP_ADVANCE, s_on_roadmap_advance }, { CF_CHOICE_KEEP, s_on_choice_keep },
        { CF_SESSION_ADD, s_on_session_add }, { CF_SESSION_LIST, s_on_session_list }, { CF_PROGRESS_READ, s_on_progress_read },
        { CF_KEY_CLAIM, s_on_key_claim }, { CF_KEY_RENEW, s_on_key_renew }, { CF_KEY_SETTLE, s_on_key_settle },
        { CF_PROJECT_CONTEXT, s_on_project_context }, { CF_EFFECT_APPLY, s_on_effect_apply }
    };
    self_t self = { 0 };
    cf_error_t error = { 0 };
    cf_actor_t *actor = cf_actor_new (CF_ACTOR_STORE, handlers, sizeof handlers / sizeof handlers [0], &self);
    self.loop = cf_actor_loop (actor);
    self.tables = cf_tables_new (self.loop, cf_config_str (CF_CONFIG_DATABASE_URL), &error);
    if (!self.tables) {
        cf_log_error ("cannot start: %s", error.text);
        return EXIT_FAILURE;
    }
    cf_timer_set (self.loop, &self.prune, CF_STORE_PRUNE_MS, s_on_prune, &self);
    cf_actor_on_end (actor, s_on_end, &self);
    cf_actor_ready (actor);
    return cf_actor_run (&actor);
}
