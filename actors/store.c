/* SPDX-License-Identifier: MPL-2.0 */
/*  store - projects, their files and what was said in them
 *
 *  Owns:       the tables projects, project_files, chat_messages and codeforge.applied_effects (actors/project/).
 *  Answers:    PROJECT_CREATE, PROJECT_READ, PROJECT_LIST, FILE_LIST, FILE_READ -> PROJECT_SHOWN    a user's requests
 *              PROJECT_CONTEXT -> PROJECT_SHOWN    what an agent needs to know
 *              EFFECT_APPLY -> EFFECT_APPLIED      what a job changes, once an effect
 *  Asks:       PostgreSQL alone.
 *  Stops:      on TERM, when the statements on their way are answered.
 *  If it dies: nothing is lost, all of it is in the database. Callers ask the next instance again; an effect that was
 *              applied, but not yet answered, is not applied twice.
 */

#include "actors/lib/actor.h"
#include "actors/project/projects.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <stdlib.h>
#include <string.h>

#define CF_STORE_PRUNE_MS 3600000u      /* how often old effects are forgotten */

typedef struct {
    cf_loop_t *loop;
    cf_projects_t *projects;
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

/*  A refused request names the field that is at fault. */
static void
s_fail (cf_task_t *task, const cf_error_t *error, const char *field)
{
    if (error->code != CF_ERROR_INVALID) {
        cf_fail (task, error);
        return;
    }
    cf_buf_t details;
    cf_buf_init (&details, 2048);
    cf_buf_printf (&details, "{\"field\":\"%s\",\"reason\":", field);
    cf_buf_put_json (&details, error->text, strlen (error->text));
    cf_buf_puts (&details, "}");
    cf_fail_with (task, CF_ERROR_INVALID, error->text, details.overflowed? "": details.bytes);
    cf_buf_free (&details);
}

/*  Answers with the document that was found, and ends result. field is the one to blame where the request is refused. */
static void
s_show (cf_task_t *task, const char *project, const char *field, int rc, cf_db_result_t **result, const cf_error_t *error)
{
    if (rc)
        s_fail (task, error, field);
    else if (!cf_db_rows (*result))
        s_fail_missing (task, "project", project);
    else
        cf_reply (task, &(cf_project_shown_t) { .shown = cf_db_value (*result, 0, 0) });
    cf_db_result_destroy (result);
}

/* ---- a user's requests ---- */

static void
s_on_project_create (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_project_create_t *ask = fields;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    int rc = cf_projects_create (self->projects, task, ask->project, ask->user, ask->body, &result, &error);
    s_show (task, ask->project, "body", rc, &result, &error);
}

static void
s_on_project_read (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_project_read_t *ask = fields;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    int rc = cf_projects_read (self->projects, task, ask->project, ask->user, &result, &error);
    s_show (task, ask->project, "project_id", rc, &result, &error);
}

static void
s_on_project_list (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_project_list_t *ask = fields;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    if (!s_is_named (task, "any", ask->user))
        return;
    int rc = cf_projects_list (self->projects, task, ask->user, ask->mode, ask->status, ask->page, ask->page_size, &result, &error);
    s_show (task, "", "page", rc, &result, &error);
}

static void
s_on_file_list (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_file_list_t *ask = fields;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    int rc = cf_projects_list_files (self->projects, task, ask->project, ask->user, ask->content, &result, &error);
    s_show (task, ask->project, "include", rc, &result, &error);
}

static void
s_on_file_read (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_file_read_t *ask = fields;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    if (!s_is_named (task, ask->project, ask->user))
        return;
    int rc = cf_projects_read_file (self->projects, task, ask->project, ask->user, ask->path, &result, &error);
    if (rc == 0 && cf_db_rows (result) && !cf_db_value (result, 0, 0))
        s_fail_missing (task, "file", ask->path);
    else
        s_show (task, ask->project, "path", rc, &result, &error);
    cf_db_result_destroy (&result);
}

/* ---- agents ---- */

static void
s_on_project_context (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_project_context_t *ask = fields;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    if (!s_is_named (task, ask->project, "any"))
        return;
    int rc = cf_projects_read_context (self->projects, task, ask->project, &result, &error);
    s_show (task, ask->project, "files", rc, &result, &error);
}

static void
s_on_effect_apply (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_effect_apply_t *ask = fields;
    cf_error_t error = { 0 };
    if (!s_is_named (task, ask->project, ask->job))
        return;
    if (cf_projects_apply (self->projects, task, ask->job, ask->effect, ask->project, ask->changes, &error) == 0)
        cf_reply (task, &(cf_effect_applied_t) { 0 });
    else if (error.code == CF_ERROR_NOT_FOUND)
        s_fail_missing (task, "project", ask->project);
    else
        s_fail (task, &error, "changes");
}

/* ---- old effects ---- */

static void
s_prune (cf_task_t *task, void *arg)
{
    self_t *self = arg;
    cf_error_t error = { 0 };
    int deleted, all = 0;
    do
        all += deleted = cf_projects_prune (self->projects, task, cf_config_u64 (CF_CONFIG_JOBS_KEEP_DAYS), &error);
    while (deleted == CF_PROJECTS_PRUNE_ROWS);
    if (deleted < 0)
        cf_log_warning ("old effects are not forgotten: %s", error.text);
    else if (all)
        cf_log_info ("%d effects of ended jobs forgotten", all);
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
    cf_projects_destroy (&self->projects);
}

int
main (void)
{
    static const cf_handler_t handlers [] = {
        { CF_PROJECT_CREATE, s_on_project_create }, { CF_PROJECT_READ, s_on_project_read }, { CF_PROJECT_LIST, s_on_project_list },
        { CF_FILE_LIST, s_on_file_list }, { CF_FILE_READ, s_on_file_read },
        { CF_PROJECT_CONTEXT, s_on_project_context }, { CF_EFFECT_APPLY, s_on_effect_apply }
    };
    self_t self = { 0 };
    cf_error_t error = { 0 };
    cf_actor_t *actor = cf_actor_new (CF_ACTOR_STORE, handlers, sizeof handlers / sizeof handlers [0], &self);
    self.loop = cf_actor_loop (actor);
    self.projects = cf_projects_new (self.loop, cf_config_str (CF_CONFIG_DATABASE_URL), &error);
    if (!self.projects) {
        cf_log_error ("cannot start: %s", error.text);
        return EXIT_FAILURE;
    }
    cf_timer_set (self.loop, &self.prune, CF_STORE_PRUNE_MS, s_on_prune, &self);
    cf_actor_on_end (actor, s_on_end, &self);
    cf_actor_ready (actor);
    return cf_actor_run (&actor);
}
