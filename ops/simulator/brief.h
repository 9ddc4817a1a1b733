/* SPDX-License-Identifier: MPL-2.0 */
/*  brief - what a model request is about: which agent asks, and the documents it hands over
 *
 *  Our prompts put each document in a block <data name="NAME">…</data> of the user's message; the schema's name
 *  says which agent asks. A request of any other shape is taken as a plain question.
 */
#ifndef CF_SIMULATOR_BRIEF_H
#define CF_SIMULATOR_BRIEF_H

#include "ops/simulator/faults.h"
#include "ops/simulator/format.h"
#include "ops/simulator/recall.h"

#define CF_BRIEF_MAX_IDEA 4000          /* bytes of the idea that are read */

typedef struct {
    char agent [32];                    /* the schema's name (questions, requirements …), or "json" or "text" where there is none */
    char *idea;                         /* visible text, directives taken out; "" where none is given. Owned. */
    bool idea_given;                    /* there was a block user_idea (or a plain question) */
    cf_directives_t directives;
    cf_slice_t requirements, architecture, files, issues, audience, file_path, file_to_write;     /* blocks, borrowed from the request */
    cf_slice_t code, selected, skill_level, focus_areas;                          /* likewise */
} cf_brief_t;

/*  Reads a request; what recall knows stands in for an idea that is not repeated. 0, or -1 when out of memory. Slices
    live as long as request. */
int cf_brief_read (cf_brief_t *self, const cf_request_t *request, cf_recall_t *recall);
void cf_brief_free (cf_brief_t *self);
/*  The text of block name, trimmed; empty where there is none. */
cf_slice_t cf_brief_block (cf_slice_t words, const char *name);

#endif
