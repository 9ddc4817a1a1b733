/* SPDX-License-Identifier: MPL-2.0 */
/*  prompt - files that change while they are used */

#include "actors/lib/prompt.h"
#include "proto/base/log.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char s_home [64], s_log [96];
static int s_stderr;

static const char *
s_path (const char *name)
{
    static char path [128];
    snprintf (path, sizeof path, "%s/prompts/%s.md", s_home, name);
    return path;
}

/*  What is logged goes to a file. */
static void
s_begin (void)
{
    char folder [96];
    strcpy (s_home, "/tmp/cf-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_home));
    snprintf (folder, sizeof folder, "%s/prompts", s_home);
    snprintf (s_log, sizeof s_log, "%s/log", s_home);
    ck_assert_int_eq (mkdir (folder, 0700), 0);
    setenv ("CODEFORGE_SHARE", s_home, 1);
    fflush (stderr);
    s_stderr = dup (STDERR_FILENO);
    ck_assert_ptr_nonnull (freopen (s_log, "a", stderr));
    cf_log_init ("test");
}

static void
s_end (void)
{
    cf_prompt_free ();
    unsetenv ("CODEFORGE_SHARE");
    fflush (stderr);
    dup2 (s_stderr, STDERR_FILENO);
    close (s_stderr);
    char command [128];
    snprintf (command, sizeof command, "rm -r %s", s_home);
    ck_assert_int_eq (system (command), 0);
}

static void
s_write (const char *name, const char *text, size_t size)
{
    FILE *file = fopen (s_path (name), "we");
    ck_assert_ptr_nonnull (file);
    ck_assert_uint_eq (fwrite (text, 1, size, file), size);
    ck_assert_int_eq (fclose (file), 0);
}

/*  As editors do: another file takes its place. */
static void
s_replace (const char *name, const char *text)
{
    char other [140];
    s_write ("new", text, strlen (text));
    snprintf (other, sizeof other, "%s", s_path ("new"));
    ck_assert_int_eq (rename (other, s_path (name)), 0);
}

static int
s_logged (const char *what)
{
    static char text [65536];
    int count = 0;
    fflush (stderr);
    FILE *file = fopen (s_log, "re");
    size_t size = fread (text, 1, sizeof text - 1, file);
    fclose (file);
    text [size] = 0;
    for (const char *at = text; (at = strstr (at, what)); at += strlen (what))
        count++;
    return count;
}

static void
s_says (const char *name, const char *expected)
{
    static const cf_prompt_value_t values [] = { { "schema", "<S>" }, { "words", "12" }, { NULL, NULL } };
    cf_error_t error = { 0 };
    cf_buf_t out;
    cf_buf_init (&out, 4096);
    ck_assert_msg (cf_prompt_put (&out, name, values, &error) == 0, "%s", error.text);
    ck_assert_str_eq (out.bytes, expected);
    cf_buf_free (&out);
}

static void
s_fails (const char *name, const char *why)
{
    cf_error_t error = { 0 };
    cf_buf_t out;
    cf_buf_init (&out, 4096);
    ck_assert_int_eq (cf_prompt_put (&out, name, NULL, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INTERNAL);
    ck_assert_msg (strstr (error.text, why) && strstr (error.text, name), "%s", error.text);
    ck_assert_uint_eq (out.size, 0);
    cf_buf_free (&out);
}

START_TEST (fills_its_places)
{
    s_begin ();
    s_replace ("plain", "You are here.\n");
    s_says ("plain", "You are here.\n");
    s_replace ("places", "{{schema}}{{words}} of {{schema}}, {{example}}.{ {x} }");
    s_says ("places", "<S>12 of <S>, .{ {x} }");
    s_end ();
}
END_TEST

START_TEST (a_changed_file_is_used_at_once)
{
    s_begin ();
    s_replace ("work", "one");
    s_says ("work", "one");
    s_replace ("work", "two");
    s_says ("work", "two");
    s_write ("work", "three", 5);
    s_says ("work", "three");
    ck_assert_int_eq (s_logged ("cannot be used"), 0);
    s_end ();
}
END_TEST

START_TEST (a_broken_file_leaves_the_last_good_one)
{
    static const struct { const char *text; size_t size; const char *why; } broken [] = {
        { "", 0, "it is empty" }, { " \n\t", 3, "it is empty" }, { "a\xC3(", 3, "not UTF-8" }, { "a\0b", 3, "not UTF-8" },
        { "say {{wrods}}", 13, "nobody fills" }, { "say {{words", 11, "nobody fills" }
    };
    s_begin ();
    for (size_t at = 0; at < sizeof broken / sizeof broken [0]; at++) {
        char good [16], name [16];
        snprintf (good, sizeof good, "good %zu", at);
        snprintf (name, sizeof name, "work%zu", at);
        s_write (name, broken [at].text, broken [at].size);
        s_fails (name, broken [at].why);
        s_replace (name, good);
        s_says (name, good);
        int before = s_logged ("the one before is used");
        s_write (name, broken [at].text, broken [at].size);
        for (int again = 0; again < 3; again++)
            s_says (name, good);
        ck_assert_int_eq (s_logged ("the one before is used"), before + 1);       /* said once */
        s_replace (name, "mended");
        s_says (name, "mended");
    }
    s_end ();
}
END_TEST

START_TEST (a_missing_file_is_named_and_may_come_back)
{
    s_begin ();
    s_fails ("work", "it is not there");
    s_replace ("work", "here");
    s_says ("work", "here");
    ck_assert_int_eq (unlink (s_path ("work")), 0);
    s_says ("work", "here");
    s_says ("work", "here");
    ck_assert_int_eq (s_logged ("the one before is used"), 1);
    s_replace ("work", "back");
    s_says ("work", "back");
    s_end ();
}
END_TEST

START_TEST (there_is_a_bound_to_everything)
{
    char *large = malloc (CF_PROMPT_MAX_BYTES + 1);
    memset (large, 'a', CF_PROMPT_MAX_BYTES + 1);
    s_begin ();
    s_write ("large", large, CF_PROMPT_MAX_BYTES + 1);
    s_fails ("large", "too large");
    s_write ("large", large, CF_PROMPT_MAX_BYTES);
    cf_error_t error = { 0 };
    cf_buf_t out;
    cf_buf_init (&out, 1000);
    ck_assert_int_eq (cf_prompt_put (&out, "large", NULL, &error), -1);
    cf_buf_free (&out);
    for (int at = 1; at < CF_PROMPT_MAX_FILES; at++) {
        char name [16];
        snprintf (name, sizeof name, "p%d", at);
        s_replace (name, name);
        s_says (name, name);
    }
    s_replace ("more", "more");
    s_fails ("more", "no room");
    s_end ();
    free (large);
}
END_TEST

UNIT_MAIN ("prompt", fills_its_places, a_changed_file_is_used_at_once, a_broken_file_leaves_the_last_good_one,
           a_missing_file_is_named_and_may_come_back, there_is_a_bound_to_everything)
