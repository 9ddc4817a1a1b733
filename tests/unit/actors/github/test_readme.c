/* SPDX-License-Identifier: MPL-2.0 */
/*  readme - what a project says of itself, as Markdown */

#include "actors/github/readme.h"
#include "tests/support/unit.h"

#include <string.h>

static char *
s_text (const char *project)
{
    cf_json_t *document = cf_json_parse (project, strlen (project), NULL);
    ck_assert_ptr_nonnull (document);
    char *text = cf_readme_text (document);
    json_decref (document);
    return text;
}

START_TEST (all_that_is_known_is_told)
{
    char *text = s_text ("{\"title\":\"Plant\\nPal\",\"description\":\"Waters plants.\",\"tech_stack\":[\"React\",\"SQLite\"],"
                         "\"requirements_spec\":{\"elevator_pitch\":\"Never dry.\",\"core_features\":[{\"name\":\"Reminders\"},{\"name\":\"Log\"}]}}");
    ck_assert_str_eq (text, "# Plant Pal\n\nWaters plants.\n\n## Features\n\n- Reminders\n- Log\n\n## Built with\n\n- React\n- SQLite\n"
                            "\nMade with CodeForge.\n");
    free (text);
}
END_TEST

START_TEST (what_is_not_known_is_left_out)
{
    char *text = s_text ("{\"title\":\"x\",\"description\":null,\"tech_stack\":[],\"requirements_spec\":null}");
    ck_assert_str_eq (text, "# x\n\nMade with CodeForge.\n");
    free (text);
    text = s_text ("{\"title\":\"x\",\"requirements_spec\":{\"elevator_pitch\":\"Never dry.\"}}");
    ck_assert_str_eq (text, "# x\n\nNever dry.\n\nMade with CodeForge.\n");
    free (text);
}
END_TEST

START_TEST (sources_are_not_ignored)
{
    static const char *const kept [] = { "\nsrc", "\n/src", "\ndist/", "\nbuild/", "\npublic" };
    ck_assert_ptr_nonnull (strstr (cf_readme_ignored (), "\nnode_modules/\n"));
    ck_assert_ptr_nonnull (strstr (cf_readme_ignored (), "\n.env\n"));
    for (size_t at = 0; at < sizeof kept / sizeof kept [0]; at++)
        ck_assert_ptr_null (strstr (cf_readme_ignored (), kept [at]));
}
END_TEST

UNIT_MAIN ("readme", all_that_is_known_is_told, what_is_not_known_is_left_out, sources_are_not_ignored)
