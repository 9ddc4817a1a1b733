/* SPDX-License-Identifier: MPL-2.0 */
/*  answer_wireframe - the one page of the app, its components and colours, as answer_code builds it */

#include "ops/simulator/answer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/*  "reading list" -> "ReadingList"; never empty, never beginning with a digit. */
static void
s_pascal (const char *words, char *out, size_t size)
{
    size_t used = 0;
    bool upper = true;
    for (; *words && used + 1 < size; words++) {
        unsigned char byte = (unsigned char) *words;
        if (isascii (byte) && (isalpha (byte) || (isdigit (byte) && used))) {
            out [used++] = (char) (upper? toupper (byte): byte);
            upper = false;
        }
        else
            upper = true;
    }
    out [used] = 0;
    if (!used)
        snprintf (out, size, "Item");
}

static void
s_put_component (cf_buf_t *out, const char *name, const char *const *props, const char *const *children)
{
    cf_answer_key (out, NULL);
    cf_buf_putc (out, '{');
    cf_answer_put (out, "name", name);
    cf_answer_put_list (out, "props", props);
    cf_answer_put_list (out, "children", children);
    cf_buf_putc (out, '}');
}

static const char *
s_panel (cf_family_id_t family)
{
    switch (family) {
        case CF_FAMILY_TIMER: return "CountdownPanel";
        case CF_FAMILY_BUDGET: return "MonthPanel";
        case CF_FAMILY_QUIZ: return "RoundPanel";
        case CF_FAMILY_SCORES: return "RankingPanel";
        case CF_FAMILY_EVENTS: return "NextPanel";
        case CF_FAMILY_TODO: return "ProgressPanel";
        default: return NULL;
    }
}

#define LIST(...) (const char *const []) { __VA_ARGS__, NULL }
#define NONE (const char *const []) { NULL }

static void
s_put_components (const cf_project_t *project, cf_buf_t *out)
{
    const cf_idea_t *idea = &project->idea;
    char stem [64], form [80], list [80], row [80], records [120], record [120];
    s_pascal (idea->item, stem, sizeof stem);
    snprintf (form, sizeof form, "%sForm", stem);
    snprintf (list, sizeof list, "%sList", stem);
    snprintf (row, sizeof row, "%sRow", stem);
    snprintf (records, sizeof records, "%s: %s[]", "records", stem);
    snprintf (record, sizeof record, "%s: %s", "record", stem);
    s_put_component (out, "AppHeader", LIST ("name: string", "pitch: string"), LIST ("ThemeToggle"));
    s_put_component (out, "ThemeToggle", LIST ("theme: light | dark"), NONE);
    s_put_component (out, "StatsOverview", LIST (records), NONE);
    if (s_panel (idea->family))
        s_put_component (out, s_panel (idea->family), LIST (records), NONE);
    if (idea->extras & 1u << CF_EXTRA_CLOCK)
        s_put_component (out, "CountdownPanel", LIST (records), NONE);
    s_put_component (out, form, LIST (record, "onSave: (record) => void", "onCancel: () => void"), NONE);
    s_put_component (out, "Toolbar", LIST ("search: string", "filter: string", "sort: string"), NONE);
    s_put_component (out, list, LIST (records, "onEdit: (record) => void", "onDelete: (record) => void"), LIST (row));
    s_put_component (out, row, LIST (record), NONE);
    s_put_component (out, "EmptyState", LIST ("onExamples: () => void"), NONE);
    s_put_component (out, "AppFooter", LIST ("onExport: () => void", "onImport: (file: File) => void"), NONE);
}

void
cf_answer_wireframe (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out)
{
    (void) brief;
    const cf_palette_t *palette = &project->palette;
    char text [480], records [160];
    cf_buf_puts (out, "{\"site_map\":[{\"path\":\"/\"");
    snprintf (text, sizeof text, "The only page of %.150s: figures at the top, %s to add or edit %s, then the searchable list of %s. "
              "The footer says that this is a simulation.", project->idea.name, "a form", project->idea.items, project->idea.items);
    cf_answer_put (out, "description", text);
    cf_buf_puts (out, ",\"components\":[");
    s_put_components (project, out);
    cf_buf_puts (out, "]}]");
    snprintf (records, sizeof records, "records: all %s, kept in localStorage", project->idea.items);
    cf_answer_put_list (out, "global_state_needs", LIST (records, "settings: theme and what the panels remember",
                                                         "editing: the record in the form, or none"));
    cf_answer_put_list (out, "theme_colors", LIST ("#f7f6f3", "#1f2328", palette->accent, palette->deep, palette->soft, palette->glow));
    cf_buf_putc (out, '}');
}
