/* SPDX-License-Identifier: MPL-2.0 */
/*  logs - codeforge logs: the log file as people read it; -f follows it, also past a rotation */

#include "ops/cli/commands.h"
#include "ops/cli/options.h"
#include "ops/cli/terminal.h"
#include "ops/supervisor/exits.h"
#include "ops/supervisor/logbook.h"
#include "ops/supervisor/logline.h"
#include "proto/base/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define CF_LOGS_LINES 200
#define CF_LOGS_MOST 100000ul

typedef struct {
    FILE *file;
    const char *process;        /* NULL: all */
    bool coloured;
    char *line;                 /* getline's */
    size_t capacity;
    cf_buf_t shown;
} reader_t;

/*  The next whole line that is asked for; -1 at the end of the file, where half a line is left for later. */
static ssize_t
s_next (reader_t *self)
{
    ssize_t size;
    while ((size = getline (&self->line, &self->capacity, self->file)) > 0) {
        if (self->line [size - 1] != '\n') {
            fseek (self->file, -(long) size, SEEK_CUR);
            return -1;
        }
        if (!self->process || cf_logline_is_of (self->line, (size_t) size - 1, self->process))
            return size - 1;
    }
    clearerr (self->file);
    return -1;
}

static void
s_show (reader_t *self, const char *line, size_t size)
{
    cf_buf_reset (&self->shown);
    cf_logline_render (line, size, self->coloured, &self->shown);
    fwrite (self->shown.bytes, 1, self->shown.size, stdout);
}

/*  Shows the last count lines: a ring of lines, filled from the beginning. */
static int
s_show_last (reader_t *self, size_t count)
{
    char **ring = calloc (count, sizeof *ring);
    size_t next = 0;
    ssize_t size;
    if (!ring)
        return -1;
    while ((size = s_next (self)) >= 0) {
        free (ring [next]);
        ring [next] = strndup (self->line, (size_t) size);
        next = (next + 1) % count;
    }
    for (size_t at = 0; at < count; at++) {
        char *line = ring [(next + at) % count];
        if (line)
            s_show (self, line, strlen (line));
        free (line);
    }
    free (ring);
    return 0;
}

/*  Whether the name stands for another file by now, after a rotation. */
static bool
s_is_rotated (const reader_t *self)
{
    struct stat here, there;
    return fstat (fileno (self->file), &here) == 0 && stat (cf_config_home (CF_LOGBOOK_FILE), &there) == 0
           && here.st_ino != there.st_ino;
}

static int
s_follow (reader_t *self)
{
    char events [4096] __attribute__ ((aligned (8)));
    int watch = inotify_init1 (IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch (watch, cf_config_home ("log"), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        return cf_fail (CF_EXIT_UNAVAILABLE, "the log cannot be watched: %s.", strerror (errno));
    for (;;) {
        ssize_t size;
        while ((size = s_next (self)) >= 0)
            s_show (self, self->line, (size_t) size);
        if (fflush (stdout))
            break;
        FILE *fresh = s_is_rotated (self)? fopen (cf_config_home (CF_LOGBOOK_FILE), "re"): NULL;
        if (fresh) {
            fclose (self->file);
            self->file = fresh;
        }
        else if (read (watch, events, sizeof events) < 0 && errno != EINTR)
            break;
    }
    close (watch);
    return CF_EXIT_OK;
}

int
cf_command_logs (int argc, char **argv)
{
    bool follow = false;
    const char *count_text = NULL, *process = NULL;
    unsigned long count = CF_LOGS_LINES;
    const cf_option_t options [] = { { "-f", &follow, NULL }, { "-n", NULL, &count_text }, { NULL, NULL, NULL } };
    if (cf_options_parse (argc, argv, options, &process, 1) < 0
        || (count_text && cf_options_number ("-n", count_text, 1, CF_LOGS_MOST, &count)))
        return cf_fail_usage (argv [0]);
    const char *path = cf_config_home (CF_LOGBOOK_FILE);
    reader_t reader = { .process = process, .coloured = cf_terminal_coloured (STDOUT_FILENO) };
    if (!(reader.file = fopen (path, "re")))
        return cf_fail (CF_EXIT_UNAVAILABLE, "%s: %s. `codeforge up` makes it.", path, strerror (errno));
    cf_buf_init (&reader.shown, 8 * CF_LOGLINE_MAX);
    int result = s_show_last (&reader, count)? CF_EXIT_SOFTWARE: follow? s_follow (&reader): CF_EXIT_OK;
    fclose (reader.file);
    free (reader.line);
    cf_buf_free (&reader.shown);
    return result;
}
