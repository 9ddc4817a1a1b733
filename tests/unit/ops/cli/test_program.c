/* SPDX-License-Identifier: MPL-2.0 */
/*  program - the word that is shown is one that a shell runs us by */

#include "ops/cli/program.c"
#include "tests/support/unit.h"

START_TEST (a_path_that_works_from_here)
{
    char folder [] = "/tmp/cf-program-XXXXXX", own [PATH_MAX], *slash;
    ck_assert_ptr_nonnull (mkdtemp (folder));
    setenv ("PATH", folder, 1);
    ssize_t size = readlink ("/proc/self/exe", own, sizeof own - 1);
    ck_assert_int_gt (size, 0);
    own [size] = 0;
    ck_assert_int_eq (chdir (folder), 0);
    ck_assert_str_eq (cf_program_name (), own);
    slash = strrchr (own, '/');
    *slash = 0;
    ck_assert_int_eq (chdir (own), 0);
    ck_assert_str_eq (cf_program_name (), slash + 1);
    ck_assert_int_eq (rmdir (folder), 0);
}
END_TEST

START_TEST (the_bare_word_where_path_leads_to_us_and_to_no_other_before)
{
    char folder [] = "/tmp/cf-program-XXXXXX", link [PATH_MAX], path [PATH_MAX], own [PATH_MAX] = "";
    ck_assert_ptr_nonnull (mkdtemp (folder));
    ck_assert_int_gt (readlink ("/proc/self/exe", own, sizeof own - 1), 0);
    snprintf (link, sizeof link, "%s/codeforge", folder);
    ck_assert_int_eq (symlink (own, link), 0);
    snprintf (path, sizeof path, "/nowhere::%s:/bin", folder);
    setenv ("PATH", path, 1);
    ck_assert_str_eq (cf_program_name (), "codeforge");
    ck_assert_int_eq (unlink (link), 0);
    ck_assert_int_eq (symlink ("/bin/true", link), 0);
    ck_assert_str_ne (cf_program_name (), "codeforge");
    ck_assert_int_eq (unlink (link), 0);
    ck_assert_int_eq (rmdir (folder), 0);
}
END_TEST

UNIT_MAIN ("program", a_path_that_works_from_here, the_bare_word_where_path_leads_to_us_and_to_no_other_before)
