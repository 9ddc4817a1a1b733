/* SPDX-License-Identifier: MPL-2.0 */
/*  query - decoding, parameters, the file-path rule */

#include "http-edge/query.h"
#include "tests/support/unit.h"

#include <string.h>

START_TEST (decodes_percents_strictly)
{
    char out [16];
    ck_assert (cf_query_decode ("a%2fb%2E", 8, false, out, sizeof out));
    ck_assert_str_eq (out, "a/b.");
    ck_assert (cf_query_decode ("a+b", 3, false, out, sizeof out));
    ck_assert_str_eq (out, "a+b");
    ck_assert (cf_query_decode ("a+b", 3, true, out, sizeof out));
    ck_assert_str_eq (out, "a b");
    static const char *const wrong [] = { "%", "%2", "a%", "%zz", "%2g", "%00", "0123456789abcdef" };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++)
        ck_assert_msg (!cf_query_decode (wrong [at], strlen (wrong [at]), false, out, sizeof out), "%s", wrong [at]);
}
END_TEST

static int
s_find (const char *query, const char *name, char out [16])
{
    const char *reason = NULL;
    int found = cf_query_find (query, strlen (query), name, out, 16, &reason);
    ck_assert (found >= 0 || reason);
    return found;
}

START_TEST (finds_parameters)
{
    char out [16];
    ck_assert_int_eq (s_find ("page=2&page_size=50", "page_size", out), 1);
    ck_assert_str_eq (out, "50");
    ck_assert_int_eq (s_find ("page=2&page_size=50", "page", out), 1);
    ck_assert_str_eq (out, "2");
    ck_assert_int_eq (s_find ("a&tokens", "tokens", out), 1);
    ck_assert_str_eq (out, "");
    ck_assert_int_eq (s_find ("p%61ge=1", "page", out), 1);
    ck_assert_int_eq (s_find ("", "page", out), 0);
    ck_assert_int_eq (s_find ("&&=1&", "page", out), 0);
    ck_assert_int_eq (s_find ("page=1&page=2", "page", out), -1);
    ck_assert_int_eq (s_find ("page=%zz", "page", out), -1);
    ck_assert_int_eq (s_find ("page=01234567890123456789", "page", out), -1);
    ck_assert_int_eq (s_find ("%zz=1&page=3", "page", out), 1);
}
END_TEST

START_TEST (knows_the_path_rule)
{
    static const char *const right [] = {
        "src/app.js", "src/a/b/c-d_e.test.ts", "src/.hidden", "src/a..b", "src/...", "package.json", "README.md", "public/index.html",
        "tests/a.js", ".gitignore"
    };
    static const char *const wrong [] = {
        "", "/", "/src/a", "src/", "src//a", "src/./a", "src/../a", "src/..", "..", ".", "../a", "etc/passwd", "lib/a.ts", "src/a b",
        "src/a\\b", "src/\xC3\xA9", "src/a%2e", "src/a?b", "src/a\nb", "SRC/a", "srcx/a", "src/a/"
    };
    for (size_t at = 0; at < sizeof right / sizeof right [0]; at++)
        ck_assert_msg (!cf_query_path_fault (right [at]), "%s: %s", right [at], cf_query_path_fault (right [at]));
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++)
        ck_assert_msg (cf_query_path_fault (wrong [at]) != NULL, "%s", wrong [at]);
}
END_TEST

UNIT_MAIN ("query", decodes_percents_strictly, finds_parameters, knows_the_path_rule)
