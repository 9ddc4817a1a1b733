/* SPDX-License-Identifier: MPL-2.0 */
/*  users - requests as text */

#include "ops/bench/users.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 16384

void
cf_users_load (cf_users_t *self, const char *path, uint16_t port)
{
    *self = (cf_users_t) { .port = port };
    FILE *file = fopen (path, "r");
    char line [LINE_MAX_BYTES];
    while (file && self->count < CF_USERS_MAX && fgets (line, sizeof line, file)) {
        char *rest = line, *token = strsep (&rest, " \n"), *project = strsep (&rest, " \n");
        if (token && *token && project && *project)
            self->rows [self->count++] = (cf_user_t) { strdup (token), strdup (project) };
    }
    if (file)
        fclose (file);
    if (!self->count) {
        fprintf (stderr, "no users in %s\n", path);
        exit (1);
    }
}

void
cf_users_free (cf_users_t *self)
{
    for (size_t at = 0; at < self->count; at++) {
        free (self->rows [at].token);
        free (self->rows [at].project);
    }
    self->count = 0;
}

void
cf_users_write_post (uint16_t port, const char *token, const char *path, const char *headers, const char *body, cf_buf_t *out)
{
    cf_buf_printf (out, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n%s", path, (unsigned) port, headers);
    if (*token)
        cf_buf_printf (out, "Authorization: Bearer %s\r\n", token);
    cf_buf_printf (out, "Content-Length: %zu\r\n\r\n%s", strlen (body), body);
}

void
cf_users_write_get (const cf_users_t *self, uint64_t at, const char *path, cf_buf_t *out)
{
    cf_buf_printf (out, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n\r\n", path, (unsigned) self->port,
                   self->rows [at % self->count].token);
}

void
cf_users_write_job (void *arg, uint64_t at, cf_buf_t *out)
{
    const cf_users_t *self = arg;
    const cf_user_t *user = &self->rows [at % self->count];
    char body [512], prefer [40] = "";
    snprintf (body, sizeof body, "{\"project_id\":\"%s\",\"agent_type\":\"qa\",\"input_context\":{\"file_path\":\"src/sum.js\","
              "\"code\":\"export function sum%" PRIu64 " (a, b) {\\n    return a + b;\\n}\\n\"}}", user->project, at);
    if (self->wait_s)
        snprintf (prefer, sizeof prefer, "Prefer: wait=%u\r\n", (unsigned) self->wait_s);
    cf_users_write_post (self->port, user->token, "/v1/run-agent", prefer, body, out);
}
