/* SPDX-License-Identifier: MPL-2.0 */
/*  control - requests in any pieces, clients that wait, and the rude ones */

#include "ops/supervisor/control.h"
#include "proto/base/config.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char s_home [64];
static cf_loop_t *s_loop;
static cf_control_t *s_control;

static cf_json_t *
s_on_request (void *arg, const cf_json_t *request)
{
    ++*(int *) arg;
    const char *command = cf_json_str (request, "command", "");
    return strcmp (command, "wait") == 0? NULL: json_pack ("{s:s}", "said", command);
}

static void
s_enter (int *count)
{
    char folder [80];
    strcpy (s_home, "/tmp/cf-control-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_home));
    snprintf (folder, sizeof folder, "%s/run", s_home);
    mkdir (folder, 0700);
    cf_config_set (CF_CONFIG_CODEFORGE_HOME, s_home);
    s_loop = cf_loop_new ();
    s_control = cf_control_new (s_loop, s_on_request, count, NULL);
    ck_assert_ptr_nonnull (s_control);
}

static void
s_leave (void)
{
    char command [128];
    cf_control_destroy (&s_control);
    cf_loop_destroy (&s_loop);
    snprintf (command, sizeof command, "rm -r %s", s_home);
    ck_assert_int_eq (system (command), 0);
}

/*  Sends bytes and lets the server work. */
static void
s_say (int fd, const char *bytes)
{
    ck_assert_int_eq (send (fd, bytes, strlen (bytes), MSG_NOSIGNAL), (ssize_t) strlen (bytes));
    for (int turns = 0; turns < 4; turns++)
        cf_loop_turn (s_loop, 10);
}

static void
s_expect (int fd, const char *line)
{
    char got [1024] = "";
    ssize_t size = recv (fd, got, sizeof got - 1, MSG_DONTWAIT);
    ck_assert_int_eq (size, (ssize_t) strlen (line));
    ck_assert_str_eq (got, line);
}

START_TEST (answers_whole_lines_in_any_pieces)
{
    int count = 0;
    s_enter (&count);
    int fd = cf_control_connect (NULL);
    s_say (fd, "{\"comm");
    ck_assert_int_eq (count, 0);
    s_say (fd, "and\":\"a\"}\n{\"command\":\"b\"}\n{\"com");
    ck_assert_int_eq (count, 2);
    s_expect (fd, "{\"said\":\"a\"}\n{\"said\":\"b\"}\n");
    close (fd);
    s_leave ();
}
END_TEST

START_TEST (lets_clients_wait)
{
    int count = 0;
    s_enter (&count);
    int first = cf_control_connect (NULL), gone = cf_control_connect (NULL);
    s_say (first, "{\"command\":\"wait\"}\n");
    s_say (gone, "{\"command\":\"wait\"}\n");
    close (gone);
    for (int turns = 0; turns < 4; turns++)
        cf_loop_turn (s_loop, 10);
    cf_json_t *answer = json_pack ("{s:s}", "now", "yes");
    cf_control_release (s_control, answer);
    s_expect (first, "{\"now\":\"yes\"}\n");
    json_decref (answer);
    close (first);
    s_leave ();
}
END_TEST

START_TEST (survives_the_rude)
{
    int count = 0;
    char flood [6000], byte;
    s_enter (&count);
    int fd = cf_control_connect (NULL);
    s_say (fd, "nonsense\n");
    s_expect (fd, "{\"error\":\"a request is one JSON object on a line\"}\n");
    memset (flood, 'x', sizeof flood - 1);
    flood [sizeof flood - 1] = 0;
    s_say (fd, flood);
    for (int turns = 0; turns < 20; turns++)
        cf_loop_turn (s_loop, 10);
    ck_assert_int_le (recv (fd, &byte, 1, MSG_DONTWAIT), 0);    /* cut off */
    close (fd);
    int crowd [40];
    for (int at = 0; at < 40; at++) {
        crowd [at] = cf_control_connect (NULL);
        cf_loop_turn (s_loop, 10);
    }
    s_say (crowd [0], "{\"command\":\"still here\"}\n");
    s_expect (crowd [0], "{\"said\":\"still here\"}\n");
    for (int at = 0; at < 40; at++)
        close (crowd [at]);
    ck_assert_int_eq (count, 1);
    s_leave ();
}
END_TEST

START_TEST (is_closed_to_others_and_says_when_nobody_is_there)
{
    int count = 0;
    char path [128];
    struct stat found;
    cf_error_t error = { 0 };
    s_enter (&count);
    snprintf (path, sizeof path, "%s/run/control.sock", s_home);
    ck_assert_int_eq (stat (path, &found), 0);
    ck_assert_int_eq (found.st_mode & 0777, 0600);
    cf_control_destroy (&s_control);
    ck_assert_int_eq (cf_control_connect (&error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull (strstr (error.text, "not running"));
    s_leave ();
}
END_TEST

UNIT_MAIN ("control", answers_whole_lines_in_any_pieces, lets_clients_wait, survives_the_rude,
           is_closed_to_others_and_says_when_nobody_is_there)
