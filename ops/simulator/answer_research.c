/* SPDX-License-Identifier: MPL-2.0 */
/*  answer_research - what to ask before starting, and the requirements */

#include "ops/simulator/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CLEAR_WORDS 30          /* an idea of more words is taken as clear */

static void
s_put_question (cf_buf_t *out, const char *question, const char *why, const char *const *options)
{
    cf_answer_key (out, NULL);
    cf_buf_putc (out, '{');
    cf_answer_put (out, "question", question);
    cf_answer_put (out, "why", why);
    cf_answer_put_list (out, "options", options);
    cf_buf_putc (out, '}');
}

void
cf_answer_questions (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out)
{
    (void) brief;
    char question [400], first [120];
    const cf_idea_t *idea = &project->idea;
    bool clear = idea->words > CLEAR_WORDS;
    cf_buf_puts (out, "{\"questions\":[");
    snprintf (question, sizeof question, "What should %s do first for you with your %s?", idea->name, idea->items);
    snprintf (first, sizeof first, "%.110s", project->features [0].name);
    s_put_question (out, question, "It decides what the first screen shows.",
                    (const char *const []) { first, project->features [1].name, project->features [2].name, NULL });
    if (!clear) {
        if (!idea->audience [0])
            s_put_question (out, "Who will use it: you alone, or several people?", "Several people would need accounts and a server.",
                            (const char *const []) { "Only me", "A small group, each on their own device", "A team that shares everything", NULL });
        snprintf (question, sizeof question, "Is there anything about each of the %s that must be kept besides its name?", idea->items);
        s_put_question (out, question, "It decides the fields of the form.", (const char *const []) { "A date", "A remark", "Labels", "Nothing else", NULL });
    }
    cf_buf_printf (out, "],\"is_complete\":%s}", clear? "true": "false");
}

static void
s_put_audience (cf_buf_t *out, const char *role, const char *goal, const char *pain)
{
    char cut [360];
    cf_answer_key (out, NULL);
    cf_buf_putc (out, '{');
    cf_answer_put (out, "role", cf_project_cut (role, 90, cut, sizeof cut));
    cf_answer_put (out, "goal", goal);
    cf_answer_put (out, "pain_point", pain);
    cf_buf_putc (out, '}');
}

void
cf_answer_requirements (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out)
{
    const cf_family_t *family = cf_idea_family (project->idea.family);
    char goal [200], pain [200], limits [900];
    snprintf (goal, sizeof goal, "To %s.", family->goal);
    snprintf (pain, sizeof pain, "Otherwise one %s.", family->pain);
    cf_buf_putc (out, '{');
    cf_answer_put (out, "app_name", project->idea.name);
    cf_answer_put (out, "elevator_pitch", project->pitch);
    cf_answer_key (out, "target_audience");
    cf_buf_putc (out, '[');
    if (project->idea.audience [0])
        s_put_audience (out, project->idea.audience, goal, pain);
    s_put_audience (out, family->role, goal, pain);
    cf_buf_putc (out, ']');
    cf_answer_key (out, "core_features");
    cf_buf_putc (out, '[');
    for (size_t at = 0; at < project->feature_count; at++) {
        cf_answer_key (out, NULL);
        cf_buf_putc (out, '{');
        cf_answer_put (out, "name", project->features [at].name);
        cf_answer_put (out, "description", project->features [at].description);
        cf_answer_put (out, "priority", cf_project_priority (project->features [at].priority));
        cf_buf_putc (out, '}');
    }
    cf_buf_putc (out, ']');
    cf_answer_put_list (out, "recommended_stack", (const char *const []) { "HTML", "CSS", "JavaScript", "localStorage", NULL });
    snprintf (limits, sizeof limits, CF_RECALL_MARK "%016" PRIx64 ": it follows from rules, no language model was asked. The app runs in the browser "
              "without a server; what is entered stays on the device.%s%s%s", brief->directives.key, project->unbuilt [0]? " Mentioned, but not built by the simulation: ": "",
              project->unbuilt, project->unbuilt [0]? ".": "");
    cf_answer_put (out, "technical_constraints", limits);
    cf_buf_putc (out, '}');
}
