/* SPDX-License-Identifier: MPL-2.0 */
/*  control - /_sim: how tests steer the simulator and see what it was asked */

#include "ops/simulator/server.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int
s_hex (char digit)
{
    return isdigit ((unsigned char) digit)? digit - '0': isxdigit ((unsigned char) digit)? tolower ((unsigned char) digit) - 'a' + 10: -1;
}

/*  Copies the query's parameter name, percent-decoded; false where it is absent. */
static bool
s_parameter (const h2o_req_t *req, const char *name, char *value, size_t size)
{
    if (req->query_at == SIZE_MAX)
        return false;
    const char *at = req->path.base + req->query_at + 1, *end = req->path.base + req->path.len;
    size_t length = strlen (name), used = 0;
    while (at < end && ((size_t) (end - at) <= length || strncmp (at, name, length) || at [length] != '=')) {
        at = memchr (at, '&', (size_t) (end - at));
        if (!at)
            return false;
        at++;
    }
    if (at >= end)
        return false;
    for (at += length + 1; at < end && *at != '&' && used + 1 < size; at++)
        if (*at == '%' && end - at > 2 && s_hex (at [1]) >= 0 && s_hex (at [2]) >= 0) {
            value [used++] = (char) (s_hex (at [1]) * 16 + s_hex (at [2]));
            at += 2;
        }
        else
            value [used++] = *at == '+'? ' ': *at;
    value [used] = 0;
    return true;
}

void
cf_control_on_calls (cf_server_t *server, h2o_req_t *req)
{
    char contains [400], limit [24];
    bool filtered = s_parameter (req, "contains", contains, sizeof contains);
    bool limited = s_parameter (req, "limit", limit, sizeof limit);
    cf_buf_t body;
    cf_buf_init (&body, CF_SERVER_MAX_OUTPUT);
    cf_journal_print (&server->journal, filtered? contains: NULL, limited? strtoul (limit, NULL, 10): CF_JOURNAL_CALLS, &body);
    if (body.overflowed)
        cf_server_fail (req, &cf_openai_format, 413, NULL, "too many calls for one answer: use limit");
    else
        cf_server_reply (req, 200, body.bytes, body.size);
    cf_buf_free (&body);
}

void
cf_control_on_show (cf_server_t *server, h2o_req_t *req)
{
    cf_json_t *document = cf_faults_describe (&server->faults);
    char *text = cf_json_print (document);
    if (text)
        cf_server_reply (req, 200, text, strlen (text));
    else
        cf_server_fail (req, &cf_openai_format, 500, NULL, "the simulator ran out of memory");
    free (text);
    json_decref (document);
}

void
cf_control_on_reset (cf_server_t *server, h2o_req_t *req)
{
    cf_faults_reset (&server->faults, server->latency_ms);
    cf_journal_reset (&server->journal);
    cf_server_reply (req, 200, "{}", 2);
}

void
cf_control_on_settings (cf_server_t *server, h2o_req_t *req)
{
    cf_error_t error = { 0 };
    cf_json_t *document = req->entity.base? cf_json_parse (req->entity.base, req->entity.len, &error): NULL;
    if (!document || cf_faults_configure (&server->faults, document, &error))
        cf_server_fail (req, &cf_openai_format, 400, NULL, document || req->entity.base? error.text: "settings are a JSON object");
    else
        cf_control_on_show (server, req);
    json_decref (document);
}
