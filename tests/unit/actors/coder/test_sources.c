/* SPDX-License-Identifier: MPL-2.0 */
/*  sources - paths that agents may write, and lists of files that are none */

#include "actors/coder/sources.h"
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

START_TEST (paths_stay_within_the_project)
{
    static const char *const safe [] = { "index.html", "README.md", ".gitignore", "src/a.js", "src/a/b-c_d.e/f.ts", "public/x", "tests/a.test.js", "...", "a..b" };
    static const char *const unsafe [] = { "", "/", "/etc/passwd", "src/", "src//a", "src/../a", "..", ".", "./a", "a/b", "lib/a.js", "src/a b", "src/ä", "src/a\\b",
                                           "src/%2e%2e/a", "sr/a.js" };
    for (size_t at = 0; at < sizeof safe / sizeof safe [0]; at++)
        ck_assert_msg (cf_sources_is_safe (safe [at]), "%s", safe [at]);
    for (size_t at = 0; at < sizeof unsafe / sizeof unsafe [0]; at++)
        ck_assert_msg (!cf_sources_is_safe (unsafe [at]), "%s", unsafe [at]);
    char long_path [600] = "src/";
    memset (long_path + 4, 'a', 496);
    ck_assert (cf_sources_is_safe (long_path));
    long_path [500] = 'a';
    ck_assert (!cf_sources_is_safe (long_path));
}
END_TEST

START_TEST (lists_are_complained_about)
{
    static const struct { const char *files; size_t count; const char *complaint; } rows [] = {
        { "[{\"file_path\":\"a.js\",\"content\":\"1\",\"language\":\"javascript\"},{\"file_path\":\"src/a.js\",\"content\":\"1\"}]", 0, "" },
        { "[]", 0, "" }, { "null", 0, "" },
        { "[{\"file_path\":\"a.js\"},{\"file_path\":\"b.js\"},{\"file_path\":\"a.js\"}]", 1, "- files.2.file_path: file 0 has the same one\n" },
        { "[{\"file_path\":\"../a.js\"}]", 1, "- files.0.file_path: not a path" },
        { "[{}]", 1, "- files.0.file_path: not a path" },
        { "[{\"file_path\":\"a.js\",\"content\":\"```js\\n1\\n```\",\"language\":\"javascript\"}]", 1, "- files.0.content: " },
        { "[{\"file_path\":\"a.md\",\"content\":\"```js\\n1\\n```\",\"language\":\"markdown\"}]", 0, "" },
        { "[{\"file_path\":\"x/a\",\"content\":\"```\"},{\"file_path\":\"x/a\",\"content\":\"\"}]", 4, "- files.1.file_path: file 0" }
    };
    for (size_t at = 0; at < sizeof rows / sizeof rows [0]; at++) {
        cf_buf_t complaints;
        cf_json_t *files = cf_json_parse (rows [at].files, strlen (rows [at].files), NULL);
        cf_buf_init (&complaints, 4096);
        ck_assert_uint_eq (cf_sources_check (files, &complaints), rows [at].count);
        ck_assert_msg (strstr (complaints.bytes, rows [at].complaint) != NULL, "%s: %s", rows [at].files, complaints.bytes);
        cf_buf_free (&complaints);
        json_decref (files);
    }
}
END_TEST

UNIT_MAIN ("sources", paths_stay_within_the_project, lists_are_complained_about)
