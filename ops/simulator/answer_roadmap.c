/* SPDX-License-Identifier: MPL-2.0 */
/*  answer_roadmap - a module for each feature, between a first page and a last look; what is in focus gets one of its own */

#include "ops/simulator/answer.h"

#include <stdio.h>
#include <string.h>

#define MODULES_MAX 20
#define FEATURES_MAX 12         /* that get a module; the rest is for later */
#define FOCUS_MAX 5

typedef struct {
    cf_buf_t *out;
    double pace;                /* hours for what takes an experienced learner one */
    double total;
    size_t modules;
} way_t;

static void
s_put_number (cf_buf_t *out, const char *key, double hours)
{
    cf_answer_key (out, key);
    cf_buf_printf (out, "%.1f", hours);
}

static void
s_put_module (way_t *self, const char *title, const char *description, const char *const *concepts, const char *const *exercises, double effort)
{
    if (self->modules == MODULES_MAX)
        return;
    double hours = (double) (int) (2 * effort * self->pace + 0.5) / 2;
    self->modules++;
    self->total += hours;
    cf_answer_key (self->out, NULL);
    cf_buf_putc (self->out, '{');
    cf_answer_put (self->out, "title", title);
    cf_answer_put (self->out, "description", description);
    cf_answer_put_list (self->out, "concepts", concepts);
    cf_answer_put_list (self->out, "exercises", exercises);
    s_put_number (self->out, "estimated_hours", hours);
    cf_buf_putc (self->out, '}');
}

#define LIST(...) (const char *const []) { __VA_ARGS__, NULL }

static void
s_put_features (way_t *self, const cf_project_t *project)
{
    char description [700];
    for (size_t at = 0; at < project->feature_count && at < FEATURES_MAX; at++) {
        const cf_feature_t *feature = &project->features [at];
        if (feature->priority == CF_PRIORITY_NICE)
            continue;
        snprintf (description, sizeof description, "You build this: %s Afterwards it works in your own %.100s.", feature->description, project->idea.name);
        s_put_module (self, feature->name, description,
                      at % 2? LIST ("Events", "Checking input", "Keeping data across visits"): LIST ("Data and rules apart from the page", "Lists", "Functions"),
                      LIST ("Try it with nothing, with one thing and with twenty.", "Say beforehand what a wrong entry will do, then check."),
                      feature->priority == CF_PRIORITY_MUST? 2: 1.5);
    }
}

/*  The learner's focus areas, as a JSON list of strings. */
static void
s_put_focus (way_t *self, const cf_brief_t *brief)
{
    cf_scan_t scan;
    cf_slice_t raw;
    cf_buf_t area;
    char cut [300], title [340];
    cf_scan_init (&scan, brief->focus_areas.text, brief->focus_areas.size);
    cf_buf_init (&area, 4096);
    if (brief->focus_areas.size && cf_scan_enter (&scan, '['))
        for (size_t at = 0; at < FOCUS_MAX && cf_scan_next (&scan, NULL) && cf_scan_string (&scan, &raw); at++) {
            cf_buf_reset (&area);
            cf_scan_unescape (raw, &area);
            cf_project_cut (area.bytes, 60, cut, sizeof cut);
            snprintf (title, sizeof title, "In depth: %s", cut);
            s_put_module (self, title, "You go back over what you built and look at it from this one side. Afterwards you can say why it is the way it is.",
                          LIST (cut), LIST ("Find three places where it matters.", "Improve one of them and measure or show the difference."), 1.5);
        }
    cf_buf_free (&area);
}

void
cf_answer_roadmap (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out)
{
    bool advanced = cf_slice_is (brief->skill_level, "advanced"), intermediate = cf_slice_is (brief->skill_level, "intermediate");
    way_t self = { .out = out, .pace = advanced? 1: intermediate? 1.5: 2 };
    char title [240], objective [240];
    snprintf (title, sizeof title, "The first page of %.100s", project->idea.name);
    cf_buf_puts (out, "{\"modules\":[");
    s_put_module (&self, title, "You write a page that shows a few made-up entries, and open it in a browser. A simulated teacher planned this way by rules.",
                  advanced? LIST ("Structure of a page", "Accessibility"): LIST ("HTML documents", "Style sheets", "The browser's developer tools"),
                  LIST ("Add an entry by hand.", "Make it readable on a phone."), 1);
    s_put_features (&self, project);
    s_put_focus (&self, brief);
    s_put_module (&self, "Reading it again, and showing it", "You go through the application as somebody who has never seen it, mend what stands in the way, and show it to one person.",
                  advanced? LIST ("Testing", "Security", "Performance"): LIST ("Testing by hand", "Readable code"),
                  LIST ("Watch somebody use it without helping.", "Write down what you would do differently."), 1);
    cf_buf_putc (out, ']');
    s_put_number (out, "total_estimated_hours", self.total);
    cf_answer_put_list (out, "prerequisites", LIST ("A text editor", "A browser with developer tools"));
    snprintf (objective, sizeof objective, "Build %.100s by yourself and explain each of its parts.", project->idea.name);
    cf_answer_put_list (out, "learning_objectives", LIST (objective, "Take a feature apart into data, rules and page.", "Find a mistake by narrowing down where it can be."));
    cf_buf_putc (out, '}');
}
