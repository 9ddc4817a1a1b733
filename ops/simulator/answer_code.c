/* SPDX-License-Identifier: MPL-2.0 */
/*  answer_code - the files of a small but real web app
 *
 *  The files in app/ are shared by all apps of a family; what makes an app its own (name, nouns, colours, extras)
 *  stands in src/config.js, index.html, src/styles.css and README.md.
 *
 *  The same files are the whole application, a plan of it, or one of them: three forms of one walk.
 */

#include "ops/simulator/answer.h"
#include "ops/simulator/app_files.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MAX_FILE_BYTES (256u << 10)
#define MAX_SHARED_FILES 16

static const struct { cf_family_id_t family; const char *title, *members; } s_samples [] = {
#define SAMPLE(family_, title_, members_) { CF_FAMILY_##family_, title_, members_ },
#include "ops/simulator/families.def"
#undef SAMPLE
};

static const char *const s_extra_names [] = {
#define EXTRA(id_, stems_, feature_, description_) #id_,
#include "ops/simulator/families.def"
#undef EXTRA
};

typedef enum { WHOLE, PLAN, ONE } form_t;

typedef struct {
    const cf_project_t *project;
    const cf_brief_t *brief;
    form_t form;
    cf_buf_t *out;
    cf_buf_t text;              /* the file being written */
    char wanted [520];          /* the only path asked for; "" all */
    bool any;                   /* something was written */
} work_t;

/* ---- files */

static bool
s_begin_file (work_t *self, const char *path, const char *language, const char *explanation)
{
    if (self->wanted [0] && strcmp (self->wanted, path))
        return false;
    self->any = true;
    if (self->form == ONE)
        return true;
    cf_answer_key (self->out, NULL);
    cf_buf_putc (self->out, '{');
    cf_answer_put (self->out, "file_path", path);
    cf_answer_put (self->out, "language", language);
    cf_answer_put (self->out, self->form == PLAN? "purpose": "explanation", explanation);
    if (self->form == WHOLE)
        cf_answer_key (self->out, "content");
    else
        cf_buf_puts (self->out, ",\"provides\":\"Simulated: what the other files expect of it.\"}");
    return self->form == WHOLE;
}

static void
s_end_file (work_t *self)
{
    if (self->form == WHOLE)
        cf_buf_putc (self->out, '}');
}

/*  A file that is the same in every app: escaped once, copied from then on. */
static void
s_put_shared_file (work_t *self, const char *path, const char *name, const char *explanation)
{
    static struct { const char *text; cf_buf_t escaped; } cache [MAX_SHARED_FILES];
    size_t size, slot = 0;
    const char *text = cf_app_files_lookup (name, &size);
    if (!text || !s_begin_file (self, path, "javascript", explanation))
        return;
    while (slot + 1 < MAX_SHARED_FILES && cache [slot].text && cache [slot].text != text)
        slot++;
    if (cache [slot].text != text) {
        cf_buf_free (&cache [slot].escaped);
        cf_buf_init (&cache [slot].escaped, MAX_FILE_BYTES);
        cf_buf_put_json (&cache [slot].escaped, text, size);
        cache [slot].text = text;
    }
    cf_buf_append (self->out, cache [slot].escaped.bytes, cache [slot].escaped.size);
    s_end_file (self);
}

static void
s_put_text_file (work_t *self, const char *path, const char *language, const char *explanation)
{
    if (s_begin_file (self, path, language, explanation)) {
        cf_buf_put_json (self->out, self->text.bytes, self->text.size);
        s_end_file (self);
    }
    cf_buf_reset (&self->text);
}

/* ---- what makes the app its own */

static char *
s_html (const char *text, char *out, size_t size)
{
    size_t used = 0;
    for (; *text && used + 8 < size; text++) {
        const char *entity = *text == '<'? "&lt;": *text == '>'? "&gt;": *text == '&'? "&amp;": *text == '"'? "&quot;": NULL;
        if (entity)
            used += (size_t) snprintf (out + used, size - used, "%s", entity);
        else
            out [used++] = *text;
    }
    while (used && ((unsigned char) *text & 0xC0) == 0x80 && (unsigned char) out [used - 1] >= 0x80)
        used--;                         /* cut inside a character: drop all of it */
    out [used] = 0;
    return out;
}

static const char *
s_article (const char *noun)
{
    return strchr ("aeiou", tolower ((unsigned char) noun [0]))? "an": "a";
}

static bool
s_has (const cf_project_t *project, cf_extra_id_t extra)
{
    return project->idea.extras & 1u << extra;
}

/*  Colours a person or another model chose win over ours; text on the accent has to stay readable, so only dark ones. */
static const char *
s_accent (const work_t *self, char accent [8])
{
    cf_slice_t colors;
    if (!cf_scan_lookup (self->brief->architecture, "theme_colors", &colors))
        return self->project->palette.accent;
    cf_scan_t scan;
    cf_slice_t color = { "", 0 };
    cf_scan_init (&scan, colors.text, colors.size);
    if (cf_scan_enter (&scan, '['))
        for (size_t at = 0; at < 3 && cf_scan_next (&scan, NULL) && cf_scan_peek (&scan) == '"'; at++)
            cf_scan_string (&scan, &color);
    unsigned red, green, blue;
    char copy [8] = "";
    if (color.size != 7)
        return self->project->palette.accent;
    memcpy (copy, color.text, 7);
    if (sscanf (copy, "#%2x%2x%2x", &red, &green, &blue) != 3 || red * 299 + green * 587 + blue * 114 > 130 * 1000)
        return self->project->palette.accent;
    memcpy (accent, copy, 8);
    return accent;
}

static void
s_put_samples (const cf_project_t *project, cf_buf_t *out)
{
    static const char *const ordinals [] = { "First", "Second", "Third" };
    const cf_idea_t *idea = &project->idea;
    const cf_family_t *family = cf_idea_family (idea->family);
    bool own_noun = strcmp (idea->item, family->item) && (idea->family == CF_FAMILY_HABITS || idea->family == CF_FAMILY_COLLECTION
                                                         || idea->family == CF_FAMILY_NOTES);
    size_t count = 0;
    cf_buf_puts (out, "[");
    for (size_t at = 0; at < sizeof s_samples / sizeof s_samples [0]; at++)
        if (s_samples [at].family == idea->family) {
            char title [100];
            snprintf (title, sizeof title, "%s%s%s", own_noun? ordinals [count % 3]: s_samples [at].title, own_noun? " ": "", own_noun? idea->item: "");
            cf_buf_puts (out, count++? ",\n    {": "\n    {");
            cf_answer_put (out, "title", title);
            cf_buf_printf (out, "%s}", s_samples [at].members);
        }
    cf_buf_puts (out, "\n  ]");
}

static void
s_put_member (cf_buf_t *out, const char *key, const char *text)
{
    cf_buf_printf (out, "  \"%s\": ", key);
    cf_buf_put_json (out, text, strlen (text));
    cf_buf_puts (out, ",\n");
}

static void
s_write_config (work_t *self)
{
    const cf_idea_t *idea = &self->project->idea;
    char slug [80];
    cf_idea_slug (idea->name, slug, sizeof slug);
    cf_buf_puts (&self->text, "/* What makes this app its own; the other scripts read it. */\nwindow.APP = {\n");
    s_put_member (&self->text, "name", idea->name);
    s_put_member (&self->text, "slug", slug);
    s_put_member (&self->text, "pitch", self->project->pitch);
    s_put_member (&self->text, "item", idea->item);
    s_put_member (&self->text, "items", idea->items);
    s_put_member (&self->text, "article", s_article (idea->item));
    s_put_member (&self->text, "feature", cf_idea_family (idea->family)->script);
    cf_buf_printf (&self->text, "  \"addons\": [%s],\n  \"extras\": [", s_has (self->project, CF_EXTRA_CLOCK)? "\"timer\"": "");
    for (size_t extra = 0; extra < CF_EXTRAS; extra++)
        if (s_has (self->project, (cf_extra_id_t) extra)) {
            char name [24];
            snprintf (name, sizeof name, "%s", s_extra_names [extra]);
            for (char *at = name; *at; at++)
                *at = (char) tolower ((unsigned char) *at);
            cf_answer_put (&self->text, NULL, name);
        }
    cf_buf_puts (&self->text, "],\n  \"samples\": ");
    s_put_samples (self->project, &self->text);
    cf_buf_puts (&self->text, "\n};\n");
    s_put_text_file (self, "src/config.js", "javascript", "Name, nouns and options of this app.");
}

static void
s_write_page (work_t *self)
{
    const cf_idea_t *idea = &self->project->idea;
    const char *script = cf_idea_family (idea->family)->script;
    char name [1000], pitch [1600], initial [24], first [8], scripts [200], item [200], items [200];
    snprintf (scripts, sizeof scripts, "  <script src=\"src/%s.js\"></script>\n%s", script,
              s_has (self->project, CF_EXTRA_CLOCK)? "  <script src=\"src/timer.js\"></script>\n": "");
    cf_project_cut (idea->name, 1, first, sizeof first);
    cf_app_files_fill ("index.html", (const cf_app_value_t []) {
        { "name_html", s_html (idea->name, name, sizeof name) }, { "pitch_html", s_html (self->project->pitch, pitch, sizeof pitch) },
        { "initial_html", s_html (first, initial, sizeof initial) }, { "article", s_article (idea->item) },
        { "item_html", s_html (idea->item, item, sizeof item) }, { "items_html", s_html (idea->items, items, sizeof items) },
        { "script_tags", scripts }, { NULL, NULL },
    }, &self->text);
    s_put_text_file (self, "index.html", "html", "The page; open it in a browser.");
}

static void
s_write_styles (work_t *self)
{
    char name [200], accent [8];
    const cf_palette_t *palette = &self->project->palette;
    snprintf (name, sizeof name, "%s", self->project->idea.name);
    for (char *at = name; *at; at++)
        if (*at == '*')
            *at = ' ';                  /* it stands in a comment */
    cf_app_files_fill ("styles.css", (const cf_app_value_t []) {
        { "name_css", name }, { "accent", s_accent (self, accent) }, { "deep", palette->deep }, { "soft", palette->soft },
        { "glow", palette->glow }, { NULL, NULL },
    }, &self->text);
    s_put_text_file (self, "src/styles.css", "css", "Colours and layout, light and dark.");
}

/* ---- README and summary */

/*  Appends "path: description" of every issue that the review named, each behind lead. Returns how many. */
static size_t
s_put_issues (const work_t *self, const char *lead, size_t max_points, cf_buf_t *out)
{
    cf_scan_t scan;
    cf_slice_t issue, value;
    size_t count = 0;
    cf_scan_init (&scan, self->brief->issues.text, self->brief->issues.size);
    if (!cf_scan_enter (&scan, '['))
        return 0;
    for (; count < 10 && cf_scan_next (&scan, NULL) && cf_scan_skip (&scan, &issue); count++) {
        static const char *const keys [] = { "file_path", "description" };
        cf_buf_puts (out, lead);
        for (size_t at = 0; at < 2; at++)
            if (cf_scan_lookup (issue, keys [at], &value) && value.size > 2 && *value.text == '"') {
                cf_buf_t text;
                char cut [900];
                cf_buf_init (&text, 16384);
                cf_scan_unescape ((cf_slice_t) { value.text + 1, value.size - 2 }, &text);
                cf_buf_printf (out, at? "%s": "%s: ", cf_project_cut (text.bytes, max_points, cut, sizeof cut));
                cf_buf_free (&text);
            }
    }
    return count;
}

static void
s_write_readme (work_t *self)
{
    const cf_project_t *project = self->project;
    cf_buf_t *text = &self->text;
    cf_buf_printf (text, "# %s\n\n%s\n\n> Simulated by CodeForge: this app was put together from rules, without a language model.\n\n"
                   "## Start\n\nOpen `index.html` in a browser. Nothing has to be installed or built, and nothing goes over the network.\n\n"
                   "## What it does\n\n", project->idea.name, project->pitch);
    for (size_t at = 0; at < project->feature_count; at++)
        cf_buf_printf (text, "- **%s** (%s): %s\n", project->features [at].name, cf_project_priority (project->features [at].priority),
                       project->features [at].description);
    if (project->unbuilt [0])
        cf_buf_printf (text, "\nMentioned in the idea, not built by the simulation: %s.\n", project->unbuilt);
    cf_buf_printf (text, "\n## Files\n\n| file | what it holds |\n| --- | --- |\n| `index.html` | the page |\n| `src/config.js` | name, nouns, options |\n"
                   "| `src/store.js` | records, kept in localStorage |\n| `src/ui.js` | helpers that build the page |\n"
                   "| `src/%s.js` | what a %s is and does |\n| `src/app.js` | form, list, search, export |\n| `src/styles.css` | colours and layout |\n",
                   cf_idea_family (project->idea.family)->script, project->idea.item);
    if (self->brief->issues.size) {
        cf_buf_puts (text, "\n## Changes after review\n");
        s_put_issues (self, "\n- mended in ", 200, text);
        cf_buf_putc (text, '\n');
    }
    s_put_text_file (self, "README.md", "markdown", "What the app does and how to start it.");
}

static void
s_put_summary (work_t *self)
{
    char summary [2400];
    cf_buf_t text;
    cf_buf_init (&text, 8192);
    cf_buf_printf (&text, "%s, simulated: a web app without a build step. Open index.html to start it.", self->project->idea.name);
    if (self->brief->issues.size) {
        cf_buf_puts (&text, " Fixed after review:");
        if (!s_put_issues (self, " * ", 120, &text))
            cf_buf_puts (&text, " nothing was named.");
    }
    cf_answer_put (self->out, "summary", cf_project_cut (text.bytes, 1900, summary, sizeof summary));
    cf_buf_free (&text);
}

static void
s_put_files (work_t *self)
{
    const char *script = cf_idea_family (self->project->idea.family)->script;
    char path [64], name [48];
    s_write_page (self);
    s_write_styles (self);
    s_write_config (self);
    s_put_shared_file (self, "src/store.js", "store.js", "Records and settings, kept in localStorage or, where that is refused, in memory.");
    s_put_shared_file (self, "src/ui.js", "ui.js", "Helpers that build the page from nodes, never from text.");
    snprintf (path, sizeof path, "src/%s.js", script);
    snprintf (name, sizeof name, "%s.js", script);
    s_put_shared_file (self, path, name, "The domain: fields, rules, figures.");
    if (s_has (self->project, CF_EXTRA_CLOCK))
        s_put_shared_file (self, "src/timer.js", "timer.js", "The countdown beside the list.");
    s_put_shared_file (self, "src/app.js", "app.js", "Wires form, list, search, filters, export and theme.");
    s_write_readme (self);
}

static void
s_want (work_t *self, cf_slice_t path)
{
    if (path.size && path.size < sizeof self->wanted)
        memcpy (self->wanted, path.text, path.size);
}

static void
s_write_project (const cf_project_t *project, const cf_brief_t *brief, form_t form, cf_buf_t *out)
{
    work_t self = { .project = project, .brief = brief, .form = form, .out = out };
    s_want (&self, brief->file_path);
    cf_buf_init (&self.text, MAX_FILE_BYTES);
    cf_buf_puts (out, "{\"files\":[");
    s_put_files (&self);
    if (!self.any) {
        self.wanted [0] = 0;            /* not one of ours: the whole app, in which it has no place */
        s_put_files (&self);
    }
    cf_buf_putc (out, ']');
    s_put_summary (&self);
    cf_buf_puts (out, ",\"dependencies\":[]}");
    cf_buf_free (&self.text);
}

void
cf_answer_code (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out)
{
    s_write_project (project, brief, WHOLE, out);
}

void
cf_answer_code_plan (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out)
{
    s_write_project (project, brief, PLAN, out);
}

void
cf_answer_code_file (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out)
{
    work_t self = { .project = project, .brief = brief, .form = ONE, .out = out };
    s_want (&self, brief->file_to_write);
    cf_buf_init (&self.text, MAX_FILE_BYTES);
    cf_buf_puts (out, "{\"content\":");
    if (self.wanted [0])
        s_put_files (&self);
    if (!self.any)
        cf_buf_puts (out, "\"Simulated: this file has no place in the simulated app.\\n\"");
    cf_buf_putc (out, '}');
    cf_buf_free (&self.text);
}
