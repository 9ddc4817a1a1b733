/* SPDX-License-Identifier: MPL-2.0 */
/*  access - same members as the lines of proto/base/log.c */

#include "http-edge/access.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CF_ACCESS_MAX_BYTES 65536u
#define CF_ACCESS_LINE_BYTES 1024u      /* no line is longer */

static cf_buf_t s_lines;
static char s_process [64];
static bool s_info, s_debug;

static void
s_on_turn (void *arg)
{
    (void) arg;
    cf_access_flush ();
}

void
cf_access_init (cf_loop_t *loop, const char *process)
{
    const char *level = cf_config_str (CF_CONFIG_LOG_LEVEL);
    snprintf (s_process, sizeof s_process, "%s", process);
    s_debug = strcmp (level, "debug") == 0;
    s_info = s_debug || strcmp (level, "info") == 0;
    cf_buf_init (&s_lines, CF_ACCESS_MAX_BYTES);
    cf_loop_add_hook (loop, s_on_turn, NULL);
}

void
cf_access_flush (void)
{
    if (!s_lines.size)
        return;
    ssize_t written = write (STDERR_FILENO, s_lines.bytes, s_lines.size);
    (void) written;             /* a log that cannot be written must not stop the work */
    cf_buf_reset (&s_lines);
}

void
cf_access_log (const cf_request_t *request)
{
    const cf_route_t *route = request->route;
    if (!s_info || (route && route->limit == CF_LIMIT_EXEMPT && !s_debug))
        return;
    if (s_lines.size + CF_ACCESS_LINE_BYTES > CF_ACCESS_MAX_BYTES)
        cf_access_flush ();
    char time [CF_CLOCK_RFC3339_SIZE];
    const h2o_req_t *http = request->http;
    int status = request->answered_ms? http->res.status: 499;       /* left before its answer */
    char *line = cf_buf_reserve (&s_lines, CF_ACCESS_LINE_BYTES);
    if (!line)
        return;
    static const char format [] = "{\"time\":\"%s\",\"level\":\"info\",\"process\":\"%s\",\"request\":\"%s\",\"text\":\"%s %s %d\","
        "\"status\":%d,\"duration_us\":%llu,\"bytes\":%zu,\"user\":\"%s\",\"trace\":\"%.32s\"}\n";
    int size = snprintf (line, CF_ACCESS_LINE_BYTES, format, cf_clock_rfc3339 (cf_clock_wall_us (), time), s_process, request->id,
                         route? cf_route_method_name (route->method): "?", route? route->pattern: "(no route)", status, status,
                         (unsigned long long) (cf_clock_us () - request->started_us), http->bytes_sent, request->user,
                         *request->trace? request->trace + 3: "");
    s_lines.size += size < (int) CF_ACCESS_LINE_BYTES? (size_t) size: CF_ACCESS_LINE_BYTES - 1;
}
