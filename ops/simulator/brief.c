/* SPDX-License-Identifier: MPL-2.0 */
/*  brief - finds the blocks of our prompts */

#include "ops/simulator/brief.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  What stands between the tags of block name; empty where there is none. */
static cf_slice_t
s_find_block (cf_slice_t words, const char *name)
{
    char open [80];
    snprintf (open, sizeof open, "<data name=\"%s\">", name);
    const char *start = cf_slice_find (words, open);
    if (!start)
        return (cf_slice_t) { "", 0 };
    start += strlen (open);
    cf_slice_t rest = { start, (size_t) (words.text + words.size - start) };
    const char *end = cf_slice_find (rest, "</data>");
    return end? (cf_slice_t) { start, (size_t) (end - start) }: rest;
}

cf_slice_t
cf_brief_block (cf_slice_t words, const char *name)
{
    cf_slice_t block = s_find_block (words, name);
    while (block.size && isspace ((unsigned char) *block.text)) {
        block.text++;
        block.size--;
    }
    while (block.size && isspace ((unsigned char) block.text [block.size - 1]))
        block.size--;
    return block;
}

/*  A block of source text: without the line feeds that our prompts put around it, but with its own. */
static cf_slice_t
s_source_block (cf_slice_t words, const char *name)
{
    cf_slice_t block = s_find_block (words, name);
    size_t before = block.size && *block.text == '\n', after = block.size > before && block.text [block.size - 1] == '\n';
    return (cf_slice_t) { block.text + before, block.size - before - after };
}

/*  What the request is about, in somebody's own words. */
static cf_slice_t
s_idea_block (cf_slice_t words)
{
    static const char *const names [] = { "user_idea", "question", "decision_context", "instruction" };
    cf_slice_t block = { "", 0 };
    for (size_t at = 0; !block.size && at < sizeof names / sizeof names [0]; at++)
        block = cf_brief_block (words, names [at]);
    return block;
}

/*  The idea of a request that only hands over requirements: their name and pitch. */
static char *
s_idea_of_requirements (cf_slice_t requirements)
{
    cf_buf_t text;
    cf_slice_t value;
    cf_buf_init (&text, CF_BRIEF_MAX_IDEA);
    static const char *const keys [] = { "app_name", "elevator_pitch" };
    for (size_t at = 0; at < 2; at++)
        if (cf_scan_lookup (requirements, keys [at], &value) && value.size > 2 && *value.text == '"') {
            cf_scan_unescape ((cf_slice_t) { value.text + 1, value.size - 2 }, &text);
            cf_buf_puts (&text, at? "": ": ");
        }
    return cf_buf_take (&text);
}

/*  A copy cut at a character boundary. */
static char *
s_copy_text (cf_slice_t text)
{
    size_t size = text.size < CF_BRIEF_MAX_IDEA? text.size: CF_BRIEF_MAX_IDEA;
    while (size && size < text.size && ((unsigned char) text.text [size] & 0xC0) == 0x80)
        size--;
    return strndup (text.text, size);
}

int
cf_brief_read (cf_brief_t *self, const cf_request_t *request, cf_recall_t *recall)
{
    cf_slice_t words = { request->words.bytes, request->words.size };
    *self = (cf_brief_t) {
        .requirements = cf_brief_block (words, "requirements"), .architecture = cf_brief_block (words, "architecture"),
        .files = cf_brief_block (words, "files"), .issues = cf_brief_block (words, "qa_issues"),
        .audience = cf_brief_block (words, "target_audience"), .file_path = cf_brief_block (words, "file_path"),
        .file_to_write = cf_brief_block (words, "file_to_write"),
        .code = cf_brief_block (words, "code"), .selected = s_source_block (words, "selected_code"),
        .skill_level = cf_brief_block (words, "skill_level"), .focus_areas = cf_brief_block (words, "focus_areas"),
    };
    snprintf (self->agent, sizeof self->agent, "%.31s", request->structured && request->schema_name [0]? request->schema_name:
              request->structured? "json": "text");
    cf_slice_t idea = s_idea_block (words);
    const char *recalled = idea.size? NULL: cf_recall_lookup (recall, self->requirements);
    self->idea_given = idea.size || recalled || !self->requirements.size;
    if (recalled)
        self->idea = strdup (recalled);
    else if (idea.size)
        self->idea = s_copy_text (idea);
    else if (self->requirements.size)
        self->idea = s_idea_of_requirements (self->requirements);
    else
        self->idea = s_copy_text (words);
    if (!self->idea)
        return -1;
    cf_directives_take (&self->directives, self->idea);
    if (!strcmp (self->agent, "requirements"))
        cf_recall_put (recall, self->directives.key, idea);
    return 0;
}

void
cf_brief_free (cf_brief_t *self)
{
    free (self->idea);
    self->idea = NULL;
}
