/* SPDX-License-Identifier: MPL-2.0 */
/*  log - a line is built in one buffer, so that lines of several processes never mix */

#include "proto/base/log.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CF_LOG_TEXT_MAX 4096            /* longer texts are cut */

static const char *const s_names [] = { "debug", "info", "warning", "error" };
static char s_process [64] = "codeforge";
static cf_log_level_t s_least = CF_LOG_INFO;
static cf_log_context_t s_context;
static cf_log_sink_fn *s_sink;          /* NULL: stderr */
static void *s_sink_arg;

void
cf_log_init (const char *process)
{
    snprintf (s_process, sizeof s_process, "%s", process);
    for (unsigned level = 0; level < 4; level++)
        if (strcmp (s_names [level], cf_config_str (CF_CONFIG_LOG_LEVEL)) == 0)
            s_least = (cf_log_level_t) level;
}

cf_log_context_t
cf_log_context (cf_log_context_t context)
{
    cf_log_context_t former = s_context;
    s_context = context;
    return former;
}

void
cf_log_sink (cf_log_sink_fn *fn, void *arg)
{
    s_sink = fn;
    s_sink_arg = arg;
}

static void
s_put_member (cf_buf_t *line, const char *key, const char *value)
{
    cf_buf_printf (line, ",\"%s\":", key);
    cf_buf_put_json (line, value, strlen (value));
}

void
cf_log_write (cf_log_level_t level, const char *format, ...)
{
    if (level < s_least)
        return;
    char text [CF_LOG_TEXT_MAX], time [CF_CLOCK_RFC3339_SIZE];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    cf_buf_t line;
    cf_buf_init (&line, 8 * CF_LOG_TEXT_MAX);
    cf_buf_printf (&line, "{\"time\":\"%s\",\"level\":\"%s\"", cf_clock_rfc3339 (cf_clock_wall_us (), time), s_names [level]);
    s_put_member (&line, "process", s_process);
    if (s_context.job && *s_context.job)
        s_put_member (&line, "job", s_context.job);
    if (s_context.request && *s_context.request)
        s_put_member (&line, "request", s_context.request);
    s_put_member (&line, "text", text);
    cf_buf_puts (&line, "}\n");
    if (s_sink)
        s_sink (s_sink_arg, line.bytes, line.size);
    else {
        ssize_t written = write (STDERR_FILENO, line.bytes, line.size);
        (void) written;         /* a log that cannot be written must not stop the work */
    }
    cf_buf_free (&line);
}
