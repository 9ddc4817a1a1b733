/* SPDX-License-Identifier: MPL-2.0 */
/*  logline - children are trusted to log, not to be well-behaved: whatever they print stays one line of valid JSON */

#include "ops/supervisor/logline.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CF_LOGLINE_PROCESS_WIDTH 12

/*  NULL where line is not a JSON object. */
static cf_json_t *
s_parse (const char *line, size_t size)
{
    if (size == 0 || *line != '{')
        return NULL;
    cf_json_t *object = cf_json_parse (line, size, NULL);
    if (!json_is_object (object)) {
        json_decref (object);
        return NULL;
    }
    return object;
}

int
cf_logline_normalise (const char *line, size_t size, const char *process, uint64_t wall_us, cf_buf_t *out)
{
    char time [CF_CLOCK_RFC3339_SIZE];
    while (size && strchr (" \t\r\n", line [size - 1]))
        size--;
    if (size == 0)
        return 0;
    cf_json_t *object = s_parse (line, size);
    if (object) {
        json_decref (object);
        cf_buf_append (out, line, size);
        return cf_buf_putc (out, '\n');
    }
    cf_buf_printf (out, "{\"time\":\"%s\",\"level\":\"info\",\"process\":", cf_clock_rfc3339 (wall_us, time));
    cf_buf_put_json (out, process, strlen (process));
    cf_buf_puts (out, ",\"text\":");
    cf_buf_put_json (out, line, size);
    return cf_buf_puts (out, "}\n");
}

/*  RFC 3339 in UTC -> local "12:34:56.789". */
static void
s_put_time (const char *text, cf_buf_t *out)
{
    struct tm utc = { 0 }, local;
    const char *rest = strptime (text, "%Y-%m-%dT%H:%M:%S", &utc);
    time_t seconds = rest? timegm (&utc): 0;
    if (!rest || !localtime_r (&seconds, &local)) {
        cf_buf_puts (out, "--:--:--.---");
        return;
    }
    cf_buf_printf (out, "%02d:%02d:%02d.%.3s", local.tm_hour, local.tm_min, local.tm_sec,
                   *rest == '.' && strlen (rest) > 3? rest + 1: "000");
}

/*  Control characters (C0, DEL and, as UTF-8, C1) become a visible \xNN: a log must not be able to drive a terminal. */
static void
s_put_visible (const char *text, cf_buf_t *out)
{
    for (const unsigned char *at = (const unsigned char *) text; *at; at++)
        if (*at == '\t')
            cf_buf_putc (out, ' ');
        else if (*at < 0x20 || *at == 0x7F)
            cf_buf_printf (out, "\\x%02x", *at);
        else if (*at == 0xC2 && at [1] >= 0x80 && at [1] < 0xA0)
            cf_buf_printf (out, "\\x%02x", *++at);
        else
            cf_buf_putc (out, (char) *at);
}

static const char *
s_colour (const char *level)
{
    if (strcmp (level, "error") == 0)
        return "\033[31m";
    if (strcmp (level, "warning") == 0)
        return "\033[33m";
    return strcmp (level, "debug") == 0? "\033[2m": "\033[36m";
}

void
cf_logline_render (const char *line, size_t size, bool coloured, cf_buf_t *out)
{
    cf_json_t *object = s_parse (line, size);
    const char *level = cf_json_str (object, "level", "info"), *job = cf_json_str (object, "job", "");
    const char *process = cf_json_str (object, "process", ""), *text = cf_json_str (object, "text", NULL);
    if (!text) {                        /* not one of ours: shown as it is */
        char raw [1024];
        snprintf (raw, sizeof raw, "%.*s", (int) (size < 1000? size: 1000), line);
        s_put_visible (raw, out);
        cf_buf_putc (out, '\n');
        json_decref (object);
        return;
    }
    cf_buf_puts (out, coloured? "\033[2m": "");
    s_put_time (cf_json_str (object, "time", ""), out);
    cf_buf_printf (out, "%s %s", coloured? "\033[0m": "", coloured? s_colour (level): "");
    size_t start = out->size;
    s_put_visible (level, out);
    cf_buf_printf (out, "%*s%s ", (int) (out->size - start < 7? 7 - (out->size - start): 0), "", coloured? "\033[0m": "");
    start = out->size;
    s_put_visible (process, out);
    size_t width = out->size - start;
    cf_buf_printf (out, "%*s ", (int) (width < CF_LOGLINE_PROCESS_WIDTH? CF_LOGLINE_PROCESS_WIDTH - width: 0), "");
    s_put_visible (text, out);
    if (*job) {
        cf_buf_puts (out, coloured? " \033[2m(job ": " (job ");
        s_put_visible (job, out);
        cf_buf_puts (out, coloured? ")\033[0m": ")");
    }
    cf_buf_putc (out, '\n');
    json_decref (object);
}

bool
cf_logline_is_of (const char *line, size_t size, const char *process)
{
    cf_json_t *object = s_parse (line, size);
    const char *found = cf_json_str (object, "process", "");
    size_t length = strlen (process);
    bool same = strncmp (found, process, length) == 0 && (found [length] == 0 || found [length] == '.');
    json_decref (object);
    return same;
}
