/* SPDX-License-Identifier: MPL-2.0 */
/*  work - one run of an agent's function: the part of agent.h that the runtime itself uses */
#ifndef CF_LIB_WORK_H
#define CF_LIB_WORK_H

#include "actors/lib/agent.h"
#include "proto/message.h"

#define CF_WORK_SLACK_MS 10000u         /* past a job's time: `jobs` ends it; that is only for when nobody tells us */

/*  step is the base name of its steps in the journal; journal is JSON text. NULL when it is malformed or memory is out. */
cf_work_t *cf_work_new (cf_task_t *task, const char *agent, const char *step, const char *project, const char *journal, bool node);
void cf_work_destroy (cf_work_t **self_p);
bool cf_work_is_waiting (const cf_work_t *self);
/*  What was said last with cf_work_explain, as JSON text; "" if nothing, or not of that code. */
const char *cf_work_details (const cf_work_t *self, cf_error_code_t code);
/*  What the model says in the step call->step: from the journal, or by asking, which watchers are told. 0 with text (the caller's to free)
    and whether it was cut off at the token limit: then text is the beginning of an answer, and good for its length alone. -1 with error. */
int cf_work_ask (cf_work_t *self, const cf_model_call_t *call, uint32_t progress, const char *note, char **text, bool *cut_off,
                 cf_error_t *error);

#endif
