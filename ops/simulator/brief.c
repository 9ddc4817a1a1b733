/* SPDX-License-Identifier: MPL-2.0 */
/*  brief - finds the blocks of our prompts */

#include "ops/simulator/brief.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cf_slice_t
cf_brief_block (cf_slice_t words, const char *name)
{
    char open [80];
    snprintf (open, sizeof open, "<data name=\"%s\">", name);
    const char *start = cf_slice_find (words, open);
    if (!start)
        return (cf_slice_t) { "", 0 };
    start += strlen (open);
    cf_slice_t rest = { start, (size_t) (words.text + words.size - start) };
    const char *end = cf_slice_find (rest, "</data>");
    if (!end)
        end = rest.text + rest.size;
    while (start < end && isspace ((unsigned char) *start))
        start++;
    while (end > start && isspace ((unsigned char) end [-1]))
        end--;
    return (cf_slice_t) { start, (size_t) (end - start) };
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
    };
    snprintf (self->agent, sizeof self->agent, "%.31s", request->structured && request->schema_name [0]? request->schema_name:
              request->structured? "json": "text");
    cf_slice_t idea = cf_brief_block (words, "user_idea");
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
