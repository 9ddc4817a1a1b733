/* SPDX-License-Identifier: MPL-2.0 */
/*  students - questions, decisions, the road map, sessions and progress of projects in student mode
 *
 *  What starts a job looks at the project first, so that no model is asked in vain; the rest is left to the store, which looks by
 *  itself.
 */

#include "actors/lib/call.h"
#include "http-edge/await.h"
#include "http-edge/handlers/handlers.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is asked for ---- */

/*  A whole number of the body, in which every one that fits no index stays one. */
static uint32_t
s_index (const cf_request_t *request, const char *name)
{
    double number = json_number_value (json_object_get (request->body, name));
    return number >= 0 && number < UINT32_MAX? (uint32_t) number: UINT32_MAX;
}

/*  The project of the path or of the body; where both name one, it is the same. False after having answered. */
static bool
s_name_project (cf_request_t *request, char project [CF_UUID_SIZE])
{
    cf_uuid_parse (cf_json_str (request->body, "project_id", request->project), project);
    if (!*request->project || strcmp (project, request->project) == 0)
        return true;
    cf_reply_refused (request, "project_id", "It is another one than that of the path.");
    return false;
}

/*  A project in student mode, yours to json_decref; NULL after having answered. */
static cf_json_t *
s_fetch_project (cf_request_t *request, const char *id)
{
    cf_json_t *found = cf_request_fetch (request, CF_PROJECT_READ, &(cf_project_read_t) { .project = id, .user = request->user });
    if (!found || strcmp (cf_json_str (found, "mode", ""), "student") == 0)
        return found;
    cf_reply_refused (request, "project_id", "The project is not in student mode.");
    json_decref (found);
    return NULL;
}

/*  A copy of the named members of the body. */
static cf_json_t *
s_pick (const cf_request_t *request, const char *const *names)
{
    cf_json_t *picked = json_object ();
    for (; *names; names++)
        json_object_set (picked, *names, json_object_get (request->body, *names));
    return picked;
}

/* ---- questions ---- */

void
cf_handle_student_ask (cf_request_t *request)
{
    static const char *const names [] = { "question", "code", NULL };
    char id [CF_UUID_SIZE];
    if (cf_uuid_parse (cf_json_str (request->body, "project_id", ""), id)) {
        cf_json_t *project = s_fetch_project (request, id);
        json_decref (project);
        if (!project)
            return;
    }
    cf_json_t *answer = cf_await_result (request, "pedagogy", id, s_pick (request, names));
    if (answer)
        cf_reply_document (request, 200, answer);
}

/* ---- decisions ---- */

/*  Adds the module to input where the project has a road map, which it need not have. False after having answered. */
static bool
s_add_module (cf_request_t *request, const char *project, cf_json_t *input)
{
    cf_error_t error = { 0 };
    cf_project_shown_t *shown = cf_call (request->task, CF_ROADMAP_READ, &(cf_roadmap_read_t) {
        .project = project, .user = request->user }, CF_REQUEST_CALL_MS, &error);
    cf_json_t *roadmap = shown? cf_json_parse (shown->shown, strlen (shown->shown), &error): NULL;
    cf_json_t *module = json_array_get (json_object_get (roadmap, "modules"), s_index (request, "module_index"));
    bool fits = module || error.code == CF_ERROR_NOT_FOUND;
    if (module)
        json_object_set (input, "module", module);
    else if (roadmap)
        cf_reply_refused (request, "module_index", "The road map has no such module.");
    else if (!fits)
        cf_reply_error (request, &error);
    json_decref (roadmap);
    cf_codec_free (&shown);
    return fits;
}

static void
s_choose (cf_request_t *request)
{
    static const char *const names [] = { "decision_context", "module_index", NULL };
    char id [CF_UUID_SIZE] = "";
    cf_json_t *project = s_name_project (request, id)? s_fetch_project (request, id): NULL;
    if (!project)
        return;
    json_decref (project);
    cf_json_t *input = s_pick (request, names), *choice = NULL;
    if (s_add_module (request, id, input))
        choice = cf_await_result (request, "pedagogy", id, json_incref (input));
    json_decref (input);
    if (choice)
        cf_reply_document (request, 200, choice);
}

void
cf_handle_choice_framework (cf_request_t *request)
{
    s_choose (request);
}

void
cf_handle_choice_create (cf_request_t *request)
{
    s_choose (request);
}

void
cf_handle_choice_keep (cf_request_t *request)
{
    cf_request_show (request, 200, CF_CHOICE_KEEP, &(cf_choice_keep_t) {
        .project = request->project, .user = request->user, .module_index = s_index (request, "module_index"),
        .option_id = cf_json_str (request->body, "option_id", "") });
}

/* ---- the road map ---- */

static bool
s_has_requirements (cf_request_t *request, const cf_json_t *project)
{
    if (json_is_object (json_object_get (project, "requirements_spec")))
        return true;
    cf_reply_refused (request, "project_id", "The project has no requirements yet: run research first.");
    return false;
}

static void
s_plan (cf_request_t *request)
{
    static const char *const names [] = { "skill_level", "focus_areas", NULL };
    char id [CF_UUID_SIZE] = "";
    cf_json_t *project = s_name_project (request, id)? s_fetch_project (request, id): NULL;
    cf_json_t *roadmap = project && s_has_requirements (request, project)?
        cf_await_result (request, "roadmap", id, s_pick (request, names)): NULL;
    json_decref (project);
    if (roadmap)
        cf_reply_document (request, 200, json_pack ("{s:O, s:I, s:O}", "roadmap", roadmap, "total_modules",
                                                    (json_int_t) json_array_size (json_object_get (roadmap, "modules")),
                                                    "total_estimated_hours", json_object_get (roadmap, "total_estimated_hours")));
    json_decref (roadmap);
}

void
cf_handle_roadmap_generate (cf_request_t *request)
{
    s_plan (request);
}

void
cf_handle_roadmap_create (cf_request_t *request)
{
    s_plan (request);
}

void
cf_handle_roadmap_read (cf_request_t *request)
{
    cf_request_show (request, 200, CF_ROADMAP_READ, &(cf_roadmap_read_t) { .project = request->project, .user = request->user });
}

void
cf_handle_roadmap_progress (cf_request_t *request)
{
    cf_request_show (request, 200, CF_ROADMAP_ADVANCE, &(cf_roadmap_advance_t) {
        .project = request->project, .user = request->user, .step_index = s_index (request, "step_index") });
}

/* ---- sessions and progress ---- */

void
cf_handle_session_add (cf_request_t *request)
{
    char session [CF_UUID_SIZE];
    /* 30.0 is a whole number to the schema, but not to the column */
    json_object_set_new (request->body, "duration_minutes", json_integer (s_index (request, "duration_minutes")));
    char *body = cf_json_print (request->body);
    cf_request_show (request, 201, CF_SESSION_ADD, &(cf_session_add_t) {
        .session = cf_request_new_id (request, session), .project = request->project, .user = request->user, .body = body });
    free (body);
}

void
cf_handle_session_list (cf_request_t *request)
{
    uint32_t limit;
    if (cf_query_number (request, "limit", 1, 100, 20, &limit))
        cf_request_show (request, 200, CF_SESSION_LIST, &(cf_session_list_t) {
            .project = request->project, .user = request->user, .limit = limit });
}

void
cf_handle_progress_read (cf_request_t *request)
{
    cf_request_show (request, 200, CF_PROGRESS_READ, &(cf_progress_read_t) { .project = request->project, .user = request->user });
}
