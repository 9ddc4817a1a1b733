/* SPDX-License-Identifier: MPL-2.0 */
/*  tree - names as git gives them (its own, taken from `git write-tree`), and what it could not hold */

#include "actors/github/tree.h"
#include "tests/support/unit.h"

#include <string.h>

static void
s_put (cf_tree_t *tree, const char *path, cf_tree_mode_t mode, const char *content)
{
    cf_error_t error = { 0 };
    unsigned char id [CF_TREE_ID_BYTES];
    cf_tree_name_content (content, strlen (content), id);
    ck_assert_msg (cf_tree_put (tree, path, mode, id, &error) == 0, "%s", error.text);
}

static const char *
s_name (const cf_tree_t *tree)
{
    static char name [CF_TREE_ID_SIZE];
    cf_error_t error = { 0 };
    ck_assert_msg (cf_tree_name (tree, name, &error) == 0, "%s", error.text);
    return name;
}

START_TEST (contents_are_named_as_git_names_blobs)
{
    static const struct { const char *content, *name; } cases [] = {
        { "", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" }, { "x", "c1b0730e0133447badcfd47fd144e254807b06e1" },
        { "h\xC3\xBC\n", "d4ed5d10867ef03a95c91dcb3e0cadcbfdf82b1e" }, { "#!/bin/sh\n", "1a2485251c33a70432394c93fb89330ef214bfc9" }
    };
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        unsigned char id [CF_TREE_ID_BYTES], again [CF_TREE_ID_BYTES];
        char text [CF_TREE_ID_SIZE];
        cf_tree_name_content (cases [at].content, strlen (cases [at].content), id);
        ck_assert_str_eq (cf_tree_print_id (id, text), cases [at].name);
        ck_assert (cf_tree_parse_id (text, again));
        ck_assert_mem_eq (id, again, sizeof id);
    }
}
END_TEST

START_TEST (names_are_forty_digits)
{
    unsigned char id [CF_TREE_ID_BYTES];
    static const char *const texts [] = {
        "", "e69de29", "e69de29bb2d1d6434b8b29ae775ad8c2e48c539", "e69de29bb2d1d6434b8b29ae775ad8c2e48c53911",
        "E69DE29BB2D1D6434B8B29AE775AD8C2E48C5391", "g69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "../../../../../../../../../../../../../.."
    };
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++)
        ck_assert_msg (!cf_tree_parse_id (texts [at], id), "%s", texts [at]);
}
END_TEST

START_TEST (trees_are_named_as_git_names_them)
{
    cf_tree_t *tree = cf_tree_new ();
    ck_assert_str_eq (s_name (tree), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    s_put (tree, "sub/deep/er/file", CF_TREE_FILE, "h\xC3\xBC\n");
    s_put (tree, "a/x", CF_TREE_FILE, "other");
    s_put (tree, "a.sh", CF_TREE_SCRIPT, "#!/bin/sh\n");
    s_put (tree, "a/b/empty", CF_TREE_FILE, "");
    s_put (tree, "gone", CF_TREE_FILE, "");
    s_put (tree, "link", CF_TREE_LINK, "a-b");
    s_put (tree, "a.d/y", CF_TREE_FILE, "y");
    s_put (tree, "a-b", CF_TREE_FILE, "z");
    s_put (tree, "a/x", CF_TREE_FILE, "x");
    cf_tree_remove (tree, "gone");
    cf_tree_remove (tree, "never there");
    ck_assert_uint_eq (cf_tree_count (tree), 7);
    ck_assert_str_eq (s_name (tree), "2ed6a77ade0114748739ca965e09e469c0eff873");
    ck_assert_int_eq (cf_tree_lookup (tree, "a.sh")->mode, CF_TREE_SCRIPT);
    ck_assert_ptr_null (cf_tree_lookup (tree, "gone"));
    cf_tree_destroy (&tree);
    cf_tree_destroy (&tree);
}
END_TEST

START_TEST (what_git_cannot_check_out_is_refused)
{
    static const char *const bad [] = {
        "", "/", "/a", "a/", "a//b", ".", "..", "a/./b", "a/../b", ".git", ".GIT/config", "a/.Git/b", "a\\b"
    };
    static const char *const good [] = { "a", "a/b", "...", ".gitignore", "a/.github/x", "git", "a b", "\xC3\xBC", "-", ".git2" };
    for (size_t at = 0; at < sizeof bad / sizeof bad [0]; at++)
        ck_assert_msg (!cf_tree_path_is_fit (bad [at]), "%s", bad [at]);
    for (size_t at = 0; at < sizeof good / sizeof good [0]; at++)
        ck_assert_msg (cf_tree_path_is_fit (good [at]), "%s", good [at]);
    char deep [1024] = "";
    for (int at = 0; at < 255; at++)
        strcat (deep, "a/");
    strcat (deep, "a");
    ck_assert (cf_tree_path_is_fit (deep));
    cf_tree_t *tree = cf_tree_new ();
    s_put (tree, deep, CF_TREE_FILE, "x");
    ck_assert_uint_eq (strlen (s_name (tree)), 40);
    cf_error_t error = { 0 };
    strcat (deep, "/a");
    ck_assert_int_eq (cf_tree_put (tree, deep, CF_TREE_FILE, (unsigned char [CF_TREE_ID_BYTES]) { 0 }, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    cf_tree_destroy (&tree);
}
END_TEST

START_TEST (a_file_is_no_folder)
{
    static const char *const pairs [] [2] = { { "a", "a/b" }, { "a/b", "a/b/c/d" }, { "src/x", "src/x/y" } };
    for (size_t at = 0; at < sizeof pairs / sizeof pairs [0]; at++) {
        cf_tree_t *tree = cf_tree_new ();
        cf_error_t error = { 0 };
        char name [CF_TREE_ID_SIZE];
        s_put (tree, "a-b", CF_TREE_FILE, "");
        s_put (tree, pairs [at] [1], CF_TREE_FILE, "");
        ck_assert_int_eq (cf_tree_name (tree, name, &error), 0);
        s_put (tree, pairs [at] [0], CF_TREE_FILE, "");
        ck_assert_int_eq (cf_tree_name (tree, name, &error), -1);
        ck_assert_int_eq (error.code, CF_ERROR_INVALID);
        ck_assert_ptr_nonnull (strstr (error.text, pairs [at] [1]));
        cf_tree_destroy (&tree);
    }
}
END_TEST

START_TEST (scripts_are_known_by_name_and_first_line)
{
    ck_assert_int_eq (cf_tree_mode_of ("src/run.sh", ""), CF_TREE_SCRIPT);
    ck_assert_int_eq (cf_tree_mode_of ("src/run", "#!/usr/bin/env node\n"), CF_TREE_SCRIPT);
    ck_assert_int_eq (cf_tree_mode_of ("src/run", " #!/bin/sh"), CF_TREE_FILE);
    ck_assert_int_eq (cf_tree_mode_of ("src/run.shx", "x"), CF_TREE_FILE);
    ck_assert_int_eq (cf_tree_mode_of (".sh", ""), CF_TREE_FILE);
}
END_TEST

START_TEST (the_top_is_searched_in_any_case)
{
    cf_tree_t *tree = cf_tree_new ();
    s_put (tree, "src/README.md", CF_TREE_FILE, "");
    s_put (tree, "README-old", CF_TREE_FILE, "");
    ck_assert (!cf_tree_has_top (tree, "README", true));
    s_put (tree, "Readme.rst", CF_TREE_FILE, "");
    ck_assert (cf_tree_has_top (tree, "README", true));
    ck_assert (!cf_tree_has_top (tree, "README", false));
    s_put (tree, ".gitignore.bak", CF_TREE_FILE, "");
    ck_assert (!cf_tree_has_top (tree, ".gitignore", false));
    s_put (tree, ".gitignore", CF_TREE_FILE, "");
    ck_assert (cf_tree_has_top (tree, ".gitignore", false));
    cf_tree_destroy (&tree);
}
END_TEST

UNIT_MAIN ("tree", contents_are_named_as_git_names_blobs, names_are_forty_digits, trees_are_named_as_git_names_them,
           what_git_cannot_check_out_is_refused, a_file_is_no_folder, scripts_are_known_by_name_and_first_line,
           the_top_is_searched_in_any_case)
