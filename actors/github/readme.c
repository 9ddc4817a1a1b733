/* SPDX-License-Identifier: MPL-2.0 */
/*  readme - the project's own words, and what no repository of a web application should hold */

#include "actors/github/readme.h"

#include <string.h>

#define CF_README_BYTES 65536u

/*  Folders only at the top: within src/ the project may have any. */
static const char s_ignored [] =
    "# dependencies\n"
    "node_modules/\n"
    "__pycache__/\n"
    "/.venv/\n"
    "\n"
    "# what is built\n"
    "/dist/\n"
    "/build/\n"
    "/.next/\n"
    "/coverage/\n"
    "\n"
    "# secrets and settings of one machine\n"
    ".env\n"
    ".env.*\n"
    "!.env.example\n"
    "\n"
    "*.log\n"
    ".DS_Store\n";

const char *
cf_readme_ignored (void)
{
    return s_ignored;
}

/*  A text as one paragraph: without the line breaks that would make it something else. */
static void
s_put_line (cf_buf_t *out, const char *text)
{
    for (; *text; text++)
        cf_buf_putc (out, (unsigned char) *text < 0x20? ' ': *text);
}

char *
cf_readme_text (const cf_json_t *project)
{
    cf_buf_t text;
    cf_buf_init (&text, CF_README_BYTES);
    const cf_json_t *requirements = json_object_get (project, "requirements_spec"), *stack = json_object_get (project, "tech_stack");
    const char *about = cf_json_str (project, "description", ""), *title = cf_json_str (project, "title", "");
    size_t at;
    cf_json_t *item;
    cf_buf_puts (&text, "# ");
    s_put_line (&text, *title? title: "Project");
    cf_buf_puts (&text, "\n");
    if (!*about)
        about = cf_json_str (requirements, "elevator_pitch", "");
    if (*about)
        cf_buf_printf (&text, "\n%s\n", about);
    if (json_array_size (json_object_get (requirements, "core_features")))
        cf_buf_puts (&text, "\n## Features\n\n");
    json_array_foreach (json_object_get (requirements, "core_features"), at, item) {
        cf_buf_puts (&text, "- ");
        s_put_line (&text, cf_json_str (item, "name", ""));
        cf_buf_puts (&text, "\n");
    }
    if (json_array_size (stack))
        cf_buf_puts (&text, "\n## Built with\n\n");
    json_array_foreach (stack, at, item) {
        cf_buf_puts (&text, "- ");
        s_put_line (&text, json_is_string (item)? json_string_value (item): "");
        cf_buf_puts (&text, "\n");
    }
    cf_buf_puts (&text, "\nMade with CodeForge.\n");
    return cf_buf_take (&text);
}
