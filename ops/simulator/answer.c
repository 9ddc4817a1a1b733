/* SPDX-License-Identifier: MPL-2.0 */
/*  answer - chooses the writer by the schema's name */

#include "ops/simulator/answer.h"

#include <stdlib.h>
#include <string.h>

typedef void (writer_fn) (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out);

static const struct { const char *agent; writer_fn *write; } s_writers [] = {
    { "questions", cf_answer_questions },
    { "requirements", cf_answer_requirements },
    { "wireframe", cf_answer_wireframe },
    { "code", cf_answer_code },
    { "code-plan", cf_answer_code_plan },
    { "code-file", cf_answer_code_file },
    { "choice", cf_answer_choice },
    { "roadmap", cf_answer_roadmap },
    { "refactor", cf_answer_refactor },
};

void
cf_answer_key (cf_buf_t *out, const char *key)
{
    if (out->size && !strchr ("{[:", out->bytes [out->size - 1]))
        cf_buf_putc (out, ',');
    if (key)
        cf_buf_printf (out, "\"%s\":", key);
}

void
cf_answer_put (cf_buf_t *out, const char *key, const char *text)
{
    cf_answer_key (out, key);
    cf_buf_put_json (out, text, strlen (text));
}

void
cf_answer_put_list (cf_buf_t *out, const char *key, const char *const *texts)
{
    cf_answer_key (out, key);
    cf_buf_putc (out, '[');
    while (*texts)
        cf_answer_put (out, NULL, *texts++);
    cf_buf_putc (out, ']');
}

static void
s_write_text (const cf_brief_t *brief, cf_buf_t *out)
{
    char about [260];
    cf_project_cut (brief->idea, 60, about, sizeof about);
    cf_buf_printf (out, "This is CodeForge's provider simulator, not a language model: it answers from rules. You wrote: \"%s\"%s "
                   "Set a model key to get a real answer.", about, strlen (about) < strlen (brief->idea)? " …": "");
}

int
cf_answer_write (const cf_request_t *request, const cf_brief_t *brief, bool flawed, cf_buf_t *out)
{
    if (!request->structured) {
        s_write_text (brief, out);
        return out->overflowed? -1: 0;
    }
    cf_project_t *project = malloc (sizeof *project);
    if (!project)
        return -1;
    cf_project_plan (project, brief);
    size_t row = 0;
    while (row < sizeof s_writers / sizeof s_writers [0] && strcmp (brief->agent, s_writers [row].agent))
        row++;
    if (row < sizeof s_writers / sizeof s_writers [0])
        s_writers [row].write (project, brief, out);
    else if (!strcmp (brief->agent, "qa"))
        cf_answer_qa (project, brief, flawed, out);
    else if (!strcmp (brief->agent, "pedagogy"))
        cf_answer_pedagogy (project, brief, flawed, out);
    else
        cf_answer_schema (request->schema, out);
    free (project);
    return out->overflowed? -1: 0;
}
