/* SPDX-License-Identifier: MPL-2.0 */
/*  output - files are written below the folder, and nowhere else */

#include "ops/cli/output.c"
#include "tests/support/unit.h"

static char s_folder [64];

static void
s_enter (void)
{
    strcpy (s_folder, "/tmp/cf-output-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_folder));
}

static void
s_leave (void)
{
    char command [128];
    snprintf (command, sizeof command, "rm -r %s", s_folder);
    ck_assert_int_eq (system (command), 0);
}

static void
s_check_file (const char *relative, const char *expected)
{
    char path [256], text [256] = "";
    snprintf (path, sizeof path, "%s/%s", s_folder, relative);
    FILE *file = fopen (path, "r");
    if (!expected) {
        ck_assert_ptr_null (file);
        return;
    }
    ck_assert_ptr_nonnull (file);
    ck_assert_uint_lt (fread (text, 1, sizeof text - 1, file), sizeof text);
    fclose (file);
    ck_assert_str_eq (text, expected);
}

START_TEST (knows_which_paths_lead_out)
{
    static const char *const safe [] = { "a", "src/a.ts", "public/b c.html", "a/..b/c", ".env" };
    static const char *const unsafe [] = {
        "", "/a", "a//b", "a/", "../a", "a/../b", "a/..", ".", "./a", "a/./b", "a\\b", "a\nb", "a\x7f"
    };
    for (size_t at = 0; at < sizeof safe / sizeof safe [0]; at++)
        ck_assert (cf_output_path_is_safe (safe [at]));
    for (size_t at = 0; at < sizeof unsafe / sizeof unsafe [0]; at++)
        ck_assert (!cf_output_path_is_safe (unsafe [at]));
    char path [600];
    memset (path, 'a', sizeof path - 1);
    path [sizeof path - 1] = 0;
    ck_assert (!cf_output_path_is_safe (path));
}
END_TEST

START_TEST (replaces_its_own_and_leaves_the_rest)
{
    cf_output_t output;
    char path [128];
    s_enter ();
    cf_json_t *files = json_pack ("[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}]", "path", "index.html", "content", "one",
                                  "path", "src/old.ts", "content", "old", "path", "../out.txt", "content", "bad",
                                  "path", ".codeforge", "content", "../../x\n");
    ck_assert_int_eq (cf_output_write (&output, s_folder, "app", files, NULL), 0);
    ck_assert_uint_eq (output.count, 2);
    ck_assert_uint_eq (output.refused, 2);
    s_check_file ("out.txt", NULL);
    ck_assert_ptr_nonnull (strstr (cf_output_hint (&output), "/app/index.html"));
    json_decref (files);
    snprintf (path, sizeof path, "%s/app/mine.txt", s_folder);
    FILE *mine = fopen (path, "w");
    fputs ("mine", mine);
    fclose (mine);
    files = json_pack ("[{s:s, s:s}, {s:s, s:s}]", "path", "index.html", "content", "two", "path", "src/new.ts", "content", "new");
    ck_assert_int_eq (cf_output_write (&output, s_folder, "app", files, NULL), 0);
    json_decref (files);
    s_check_file ("app/index.html", "two");
    s_check_file ("app/src/new.ts", "new");
    s_check_file ("app/src/old.ts", NULL);
    s_check_file ("app/mine.txt", "mine");
    s_leave ();
}
END_TEST

START_TEST (follows_no_links)
{
    cf_output_t output;
    cf_error_t error = { 0 };
    char path [128], outside [128];
    s_enter ();
    snprintf (outside, sizeof outside, "%s/outside", s_folder);
    mkdir (outside, 0755);
    snprintf (path, sizeof path, "%s/app", s_folder);
    mkdir (path, 0755);
    snprintf (path, sizeof path, "%s/app/src", s_folder);
    ck_assert_int_eq (symlink (outside, path), 0);
    snprintf (outside, sizeof outside, "%s/outside/target", s_folder);
    snprintf (path, sizeof path, "%s/app/link", s_folder);
    ck_assert_int_eq (symlink (outside, path), 0);
    cf_json_t *files = json_pack ("[{s:s, s:s}]", "path", "src/a", "content", "bad");
    ck_assert_int_eq (cf_output_write (&output, s_folder, "app", files, &error), -1);
    json_decref (files);
    files = json_pack ("[{s:s, s:s}]", "path", "link", "content", "good");
    ck_assert_int_eq (cf_output_write (&output, s_folder, "app", files, &error), 0);
    json_decref (files);
    s_check_file ("outside/a", NULL);
    s_check_file ("outside/target", NULL);
    s_check_file ("app/link", "good");
    s_leave ();
}
END_TEST

START_TEST (puts_single_files)
{
    static const struct { const char *path; const char *content; bool executable; } files [] = {
        { "a.txt", "one", false }, { "bin/run.sh", "two", true }, { "bin/deep/er/b", "", false }, { ".codeforge", "theirs", false },
        { "a.txt", "three", false }, { "bin/run.sh", "four", false }
    };
    struct stat status;
    char path [128];
    cf_error_t error = { 0 };
    s_enter ();
    snprintf (path, sizeof path, "%s/new/folder/", s_folder);
    umask (022);
    int root = cf_output_open (path, &error);
    ck_assert_msg (root >= 0, "%s", error.text);
    for (size_t at = 0; at < sizeof files / sizeof files [0]; at++) {
        ck_assert_int_eq (cf_output_put (root, files [at].path, files [at].content, strlen (files [at].content), files [at].executable, &error), 0);
        snprintf (path, sizeof path, "new/folder/%s", files [at].path);
        s_check_file (path, files [at].content);
        ck_assert_int_eq (fstatat (root, files [at].path, &status, 0), 0);
        ck_assert_int_eq (status.st_mode & 07777, files [at].executable? 0755: 0644);
    }
    ck_assert_int_eq (cf_output_put (root, "../out", "x", 1, false, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    ck_assert_int_eq (cf_output_put (root, "a.txt/b", "x", 1, false, &error), -1);
    ck_assert_int_eq (cf_output_put (root, "bin", "x", 1, false, &error), -1);
    close (root);
    snprintf (path, sizeof path, "%s/new/folder/a.txt", s_folder);
    ck_assert_int_eq (cf_output_open (path, &error), -1);
    snprintf (path, sizeof path, "find %s/new/folder -name '*-new-*' | grep -q .", s_folder);
    ck_assert_int_ne (system (path), 0);
    s_leave ();
}
END_TEST

UNIT_MAIN ("output", knows_which_paths_lead_out, replaces_its_own_and_leaves_the_rest, follows_no_links, puts_single_files)
