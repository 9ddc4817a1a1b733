/* SPDX-License-Identifier: MPL-2.0 */
/*  pipeline - research > wireframe > code <> qa, as one job of type builder
 *
 *  Owns:       nothing beyond its leases.
 *  Answers:    JOB_RUN, JOB_STOP, AGENT_RUN (actors/lib/agent).
 *  Asks:       the agents of its graph (AGENT_RUN: their model calls are steps of this job), store, memory, jobs (journal).
 *  Stops:      on TERM, handing its leases back; the agents' calls are cancelled with it.
 *  If it dies: the next instance walks the graph again; what the journal has is not asked again. If an agent dies, its node
 *              is run again here, from the journal as it then is.
 */

#include "actors/lib/agent.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  The graph, whole. A node runs the agent of its name; its result goes into the input of the later ones under `makes`. After it comes
    `next`; where the result has "passed": false, `mend` instead, with the issues in the input, as long as the
    node named there has run less than MAX_AGENT_ITERATIONS times. `codeforge-pipeline --draw` draws it. */
typedef enum { RESEARCH, WIREFRAME, CODE, QA, END } node_id_t;

typedef struct {
    const char *agent;
    const char *makes;          /* key in the later nodes' input */
    const char *result;         /* key in the job's result */
    uint32_t progress;          /* of the job when the node has ended */
    node_id_t next, mend;
} node_t;

static const node_t s_graph [] = {
    [RESEARCH]  = { "research",  "requirements", "requirements_spec", 20, WIREFRAME, END },
    [WIREFRAME] = { "wireframe", "architecture", "architecture_spec", 40, CODE,      END },
    [CODE]      = { "code",      "generated",    "generated_code",    60, QA,        END },
    [QA]        = { "qa",        "review",       "qa_result",         80, END,       CODE },
};

#define CF_PIPELINE_DEATHS 3            /* an agent that dies so often over one node is not asked again */
#define CF_PIPELINE_NODE_MS 3600000u    /* the job's own limit is what ends a node */
#define CF_PIPELINE_PAUSE_MS 100        /* before an agent is asked again */

/*  An agent that died, is not there at present, or has its hands full. */
static bool
s_is_worth_another (cf_error_code_t code)
{
    return code == CF_ERROR_ACTOR_GONE || code == CF_ERROR_NO_ACTOR || code == CF_ERROR_BUSY;
}

/*  Runs a node in its agent; the result is the caller's. NULL with error. */
static cf_json_t *
s_run_node (cf_work_t *work, const node_t *node, int run, const cf_json_t *input, cf_error_t *error)
{
    char step [64];
    snprintf (step, sizeof step, run > 1? "%s.%d": "%s", node->agent, run);
    char *input_text = cf_json_print (input);
    cf_agent_done_t *done = NULL;
    if (run > 1 && cf_work_reread (work, error)) {              /* what became of its runs before */
        free (input_text);
        return NULL;
    }
    for (int deaths = 0; !done;) {
        char *journal = cf_json_print (cf_work_journal (work));
        cf_agent_run_t ask = { .step = step, .project = cf_work_project_id (work), .input = input_text, .journal = journal };
        done = cf_call_once (cf_work_task (work), node->agent, CF_AGENT_RUN, &ask, CF_PIPELINE_NODE_MS, error);
        free (journal);
        if (done || !s_is_worth_another (error->code))
            break;
        deaths += error->code == CF_ERROR_ACTOR_GONE;
        if (deaths == CF_PIPELINE_DEATHS) {
            cf_error_set (error, CF_ERROR_POISONED, "%s", cf_error_sentence (CF_ERROR_POISONED));
            break;
        }
        if (cf_task_sleep (cf_work_task (work), CF_PIPELINE_PAUSE_MS, error) || cf_work_reread (work, error))
            break;
    }
    cf_json_t *result = done? cf_json_parse (done->result, strlen (done->result), error): NULL;
    cf_codec_free (&done);
    free (input_text);
    return result;
}

/*  The files as they are after this run of code: a run that mends may bring just those that it changed. */
static cf_json_t *
s_merge_files (const cf_json_t *before, const cf_json_t *made)
{
    cf_json_t *files = json_copy ((cf_json_t *) (uintptr_t) made);
    size_t at, other;
    cf_json_t *old, *new;
    json_array_foreach (before, at, old) {
        bool replaced = false;
        json_array_foreach (made, other, new)
            replaced = replaced || strcmp (cf_json_str (old, "file_path", ""), cf_json_str (new, "file_path", "?")) == 0;
        if (!replaced)
            json_array_append (files, old);
    }
    return files;
}

/*  What later nodes get to read of this one's result. */
static void
s_pass_on (const node_t *node, cf_json_t *input, cf_json_t *result)
{
    if (node == &s_graph [CODE]) {
        json_object_set_new (result, "files", s_merge_files (json_object_get (input, "files"), json_object_get (result, "files")));
        json_object_set (input, "files", json_object_get (result, "files"));
        json_object_set (input, "previous_issues", json_object_get (input, "qa_issues"));
        json_object_del (input, "qa_issues");
    }
    else if (node == &s_graph [QA])
        json_object_set (input, "qa_issues", json_object_get (result, "issues"));
    else
        json_object_set_new (input, node->makes, json_deep_copy (result));
}

/*  Once the review has passed: the project is done, and how it was made is remembered. */
static int
s_finish (cf_work_t *work, const cf_json_t *result, cf_error_t *error)
{
    const cf_json_t *requirements = json_object_get (result, "requirements_spec");
    const cf_json_t *review = json_object_get (result, "qa_result");
    cf_json_t *changes = json_pack ("{sss{ssso}}", "status", "completed", "message", "role", "assistant", "content",
        json_sprintf ("%s is ready: the review gave it %d of 100 points.", cf_json_str (requirements, "app_name", "The project"),
                      (int) cf_json_real (review, "score", 0)));
    int rc = cf_work_apply (work, "completed", changes, error);
    json_decref (changes);
    if (rc)
        return -1;
    cf_json_t *metadata = json_pack ("{sssOsO}", "app_name", cf_json_str (requirements, "app_name", ""),
        "stack", json_object_get (requirements, "recommended_stack"), "score", json_object_get (review, "score"));
    char *text = cf_json_print (metadata);
    cf_error_t unkept = { 0 };
    cf_pattern_store_t keep = {
        .pattern = cf_work_job (work), .type = "builder", .text = cf_json_str (requirements, "elevator_pitch", ""), .metadata = text
    };
    cf_pattern_kept_t *kept = cf_call (cf_work_task (work), CF_PATTERN_STORE, &keep, 2000, &unkept);
    if (!kept)
        cf_log_info ("the pattern is not remembered: %s", unkept.text);
    cf_codec_free (&kept);
    free (text);
    json_decref (metadata);
    return 0;
}

static cf_json_t *
s_work (cf_work_t *work, const cf_json_t *given, cf_error_t *error)
{
    cf_json_t *input = json_deep_copy (given), *result = json_object ();
    json_object_set_new (input, "skip_clarification", json_true ());
    int runs [END] = { 0 };
    int most = (int) cf_config_u64 (CF_CONFIG_MAX_AGENT_ITERATIONS);
    bool passed = false, failed = false;
    uint32_t progress = 0;
    for (node_id_t id = RESEARCH; id != END && !failed;) {
        const node_t *node = &s_graph [id];
        cf_work_progress (work, progress, node->agent, ++runs [id] > 1? "Once more": "At work");
        cf_json_t *made = s_run_node (work, node, runs [id], input, error);
        if (!made) {
            failed = true;
            break;
        }
        progress = node->progress;
        passed = cf_json_bool (made, "passed", true);
        s_pass_on (node, input, made);
        json_object_set_new (result, node->result, made);
        id = passed? node->next: node->mend != END && runs [node->mend] < most? node->mend: END;
    }
    json_object_set_new (result, "iterations", json_integer (runs [CODE]));
    if (failed || (passed && s_finish (work, result, error))) {
        json_decref (result);
        result = NULL;
    }
    json_decref (input);
    return result;
}

static int
s_draw (void)
{
    for (int id = RESEARCH; id < END; id++) {
        const node_t *node = &s_graph [id];
        printf ("%-10s -> %-10s", node->agent, node->next == END? "end": s_graph [node->next].agent);
        if (node->mend != END)
            printf (" | not passed -> %s, which runs at most MAX_AGENT_ITERATIONS times", s_graph [node->mend].agent);
        printf ("\n");
    }
    return 0;
}

int
main (int argc, char **argv)
{
    if (argc == 2 && strcmp (argv [1], "--draw") == 0)
        return s_draw ();
    return cf_agent_main (CF_ACTOR_PIPELINE, s_work);
}
