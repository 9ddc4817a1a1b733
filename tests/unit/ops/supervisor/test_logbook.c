/* SPDX-License-Identifier: MPL-2.0 */
/*  logbook - whatever a process prints becomes one line of JSON; files turn over */

#include "ops/supervisor/logbook.h"
#include "ops/supervisor/logline.h"
#include "proto/base/config.h"
#include "proto/base/json.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char s_home [64];

static void
s_enter_home (void)
{
    char folder [80];
    strcpy (s_home, "/tmp/cf-logbook-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_home));
    snprintf (folder, sizeof folder, "%s/log", s_home);
    mkdir (folder, 0700);
    ck_assert_int_eq (cf_config_set (CF_CONFIG_CODEFORGE_HOME, s_home), 0);
}

static void
s_leave_home (void)
{
    char command [128];
    snprintf (command, sizeof command, "rm -r %s", s_home);
    ck_assert_int_eq (system (command), 0);
}

/*  Content of the log file of that age, to be freed; NULL where there is none. */
static char *
s_read (int age)
{
    char path [128];
    snprintf (path, sizeof path, age? "%s/log/codeforge.log.%d": "%s/log/codeforge.log", s_home, age);
    FILE *file = fopen (path, "r");
    if (!file)
        return NULL;
    char *text = calloc (1, 200000);
    ck_assert_uint_lt (fread (text, 1, 199999, file), 199999);
    fclose (file);
    return text;
}

static void
s_check_line (const char *line, const char *expected)
{
    cf_buf_t out;
    cf_buf_init (&out, 10000);
    cf_logline_normalise (line, strlen (line), "edge.1", 0, &out);
    ck_assert_str_eq (out.bytes, expected);
    cf_buf_free (&out);
}

START_TEST (passes_objects_and_wraps_the_rest)
{
    s_check_line ("{\"a\":1}", "{\"a\":1}\n");
    s_check_line ("  \r", "");
    s_check_line ("oops", "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"info\",\"process\":\"edge.1\",\"text\":\"oops\"}\n");
    s_check_line ("{broken", "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"info\",\"process\":\"edge.1\",\"text\":\"{broken\"}\n");
    s_check_line ("\x01\xFF\r", "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"info\",\"process\":\"edge.1\",\"text\":\"\\u0001\xEF\xBF\xBD\"}\n");
}
END_TEST

START_TEST (shows_lines_without_driving_the_terminal)
{
    cf_buf_t out;
    cf_buf_init (&out, 10000);
    const char *line = "{\"time\":\"2026-01-31T10:20:30.456789Z\",\"level\":\"warning\",\"process\":\"edge.1\",\"text\":\"a\\u001b[2Jb\\u009bc\"}";
    setenv ("TZ", "UTC", 1);
    cf_logline_render (line, strlen (line), false, &out);
    ck_assert_str_eq (out.bytes, "10:20:30.456 warning edge.1       a\\x1b[2Jb\\x9bc\n");
    ck_assert (cf_logline_is_of (line, strlen (line), "edge"));
    ck_assert (cf_logline_is_of (line, strlen (line), "edge.1"));
    ck_assert (!cf_logline_is_of (line, strlen (line), "edge.11"));
    ck_assert (!cf_logline_is_of (line, strlen (line), "ed"));
    cf_buf_reset (&out);
    cf_logline_render ("not\x1b json", 9, true, &out);
    ck_assert_str_eq (out.bytes, "not\\x1b json\n");
    cf_buf_free (&out);
}
END_TEST

START_TEST (turns_over_and_keeps_a_few)
{
    s_enter_home ();
    cf_logbook_t *book = cf_logbook_new (300, NULL);
    char line [32];
    for (int at = 0; at < 40; at++) {
        snprintf (line, sizeof line, "line %d", at);
        cf_logbook_put (book, "edge.1", line, strlen (line));
    }
    for (int age = 0; age < CF_LOGBOOK_FILES; age++) {
        char *text = s_read (age);
        ck_assert_ptr_nonnull (text);
        ck_assert_uint_le (strlen (text), 300);
        free (text);
    }
    ck_assert_ptr_null (s_read (CF_LOGBOOK_FILES));
    char *last = s_read (0);
    ck_assert_ptr_nonnull (strstr (last, "line 39"));
    free (last);
    cf_logbook_destroy (&book);
    cf_logbook_destroy (&book);
    s_leave_home ();
}
END_TEST

START_TEST (collects_the_lines_of_a_pipe)
{
    int ends [2];
    char flood [3 * CF_LOGLINE_MAX];
    s_enter_home ();
    cf_logbook_t *book = cf_logbook_new (1 << 20, NULL);
    cf_loop_t *loop = cf_loop_new ();
    ck_assert_int_eq (pipe2 (ends, O_NONBLOCK), 0);
    cf_logbook_tap_t *tap = cf_logbook_tap (book, loop, "edge.1", ends [0]);
    ck_assert_int_eq (write (ends [1], "first\nsec", 9), 9);
    cf_loop_turn (loop, 0);
    ck_assert_str_eq (cf_logbook_tap_last (tap), "first");
    memset (flood, 'x', sizeof flood);
    ck_assert_int_eq (write (ends [1], "ond\n", 4), 4);
    ck_assert_int_eq (write (ends [1], flood, sizeof flood), sizeof flood);
    ck_assert_int_eq (write (ends [1], "\nlast", 5), 5);
    close (ends [1]);
    cf_logbook_tap_destroy (&tap);      /* takes what is left, whole line or not */
    char *text = s_read (0), *rest = NULL;
    int lines = 0;
    for (char *line = strtok_r (text, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest), lines++) {
        cf_json_t *object = cf_json_parse (line, strlen (line), NULL);
        ck_assert_ptr_nonnull (object);
        ck_assert_str_eq (cf_json_str (object, "process", ""), "edge.1");
        if (lines == 2)
            ck_assert_uint_eq (strlen (cf_json_str (object, "text", "")), CF_LOGLINE_MAX);
        else
            ck_assert_str_eq (cf_json_str (object, "text", ""), lines == 0? "first": lines == 1? "second": "last");
        json_decref (object);
    }
    ck_assert_int_eq (lines, 4);
    free (text);
    cf_loop_destroy (&loop);
    cf_logbook_destroy (&book);
    s_leave_home ();
}
END_TEST

UNIT_MAIN ("logbook", passes_objects_and_wraps_the_rest, shows_lines_without_driving_the_terminal, turns_over_and_keeps_a_few,
           collects_the_lines_of_a_pipe)
