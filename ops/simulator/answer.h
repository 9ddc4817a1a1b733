/* SPDX-License-Identifier: MPL-2.0 */
/*  answer - the document a request asks for, as JSON text (or plain text where no JSON is asked for)
 *
 *  The same request always gets the same answer; every agent's answer satisfies its schema in proto/schema.
 *
 *  TO ADD AN AGENT: its writer here, one row in answer.c.
 */
#ifndef CF_SIMULATOR_ANSWER_H
#define CF_SIMULATOR_ANSWER_H

#include "ops/simulator/project.h"

/*  Appends the answer to out; flawed: a review that finds a serious fault where there is none, a mentor who gives code away. 0,
    or -1 when memory ran out or out's maximum was passed. */
int cf_answer_write (const cf_request_t *request, const cf_brief_t *brief, bool flawed, cf_buf_t *out);

/*  Each writes one agent's document. */
void cf_answer_questions (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out);
void cf_answer_requirements (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out);
void cf_answer_wireframe (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out);
void cf_answer_code (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out);
void cf_answer_code_plan (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out);
void cf_answer_code_file (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out);
void cf_answer_qa (const cf_project_t *project, const cf_brief_t *brief, bool complaining, cf_buf_t *out);
void cf_answer_pedagogy (const cf_project_t *project, const cf_brief_t *brief, bool flawed, cf_buf_t *out);
void cf_answer_choice (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out);
void cf_answer_roadmap (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out);
void cf_answer_refactor (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out);
/*  A small instance of any JSON Schema: its first example, or the least that its keywords ask for. */
void cf_answer_schema (cf_slice_t schema, cf_buf_t *out);

/*  Appends "key":"text" (key may be NULL in a list), with a comma before it unless it comes first in its bracket. */
void cf_answer_put (cf_buf_t *out, const char *key, const char *text);
/*  Appends "key": alone, with the comma as above. */
void cf_answer_key (cf_buf_t *out, const char *key);
/*  Appends a list of strings, which ends with NULL, as member key. */
void cf_answer_put_list (cf_buf_t *out, const char *key, const char *const *texts);

#endif
