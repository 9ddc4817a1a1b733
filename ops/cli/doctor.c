/* SPDX-License-Identifier: MPL-2.0 */
/*  doctor - codeforge doctor: looks at everything CodeForge stands on, a line each, and says how to mend it */

#include "actors/lib/certificate.h"
#include "ops/cli/api.h"
#include "ops/cli/commands.h"
#include "ops/cli/options.h"
#include "ops/cli/terminal.h"
#include "ops/supervisor/control.h"
#include "ops/supervisor/exits.h"
#include "ops/supervisor/home.h"
#include "ops/supervisor/providers.h"
#include "ops/supervisor/sql.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/message.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum { OK, WARN, FAIL } grade_t;

typedef struct {
    int failures;
    cf_json_t *status;                  /* of the running supervisor, NULL: none runs */
    cf_http_t *http;                    /* while providers are asked */
} doctor_t;

static void s_say (doctor_t *self, grade_t grade, const char *what, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));

static void
s_say (doctor_t *self, grade_t grade, const char *what, const char *format, ...)
{
    static const char *const names [] = { "ok", "warn", "fail" }, *const colours [] = { CF_GREEN, CF_YELLOW, CF_RED };
    bool coloured = cf_terminal_coloured (STDOUT_FILENO);
    va_list args;
    va_start (args, format);
    printf ("%s%-4s%s  %-11s ", coloured? colours [grade]: "", names [grade], coloured? CF_PLAIN: "", what);
    vprintf (format, args);
    printf ("\n");
    va_end (args);
    self->failures += grade == FAIL;
}

static bool
s_exists (const char *pattern)
{
    glob_t found;
    bool any = glob (pattern, 0, NULL, &found) == 0;
    globfree (&found);
    return any;
}

/* ---- what stands still ---- */

/*  False where nothing that depends on settings can be said. */
static bool
s_check_settings (doctor_t *self)
{
    cf_buf_t faults;
    cf_buf_init (&faults, 65536);
    bool right = cf_config_load (&faults) == 0;
    if (right)
        s_say (self, OK, "settings", "%s", cf_config_str (CF_CONFIG_ENVIRONMENT));
    char *rest = NULL;
    for (char *line = right? NULL: strtok_r (faults.bytes, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest))
        s_say (self, FAIL, "settings", "%s (in the environment or in .env)", line);
    cf_buf_free (&faults);
    return right;
}

static void
s_check_programs (doctor_t *self)
{
    char folder [PATH_MAX], path [PATH_MAX + 64];
    cf_buf_t missing;
    cf_buf_init (&missing, 4096);
    ssize_t size = readlink ("/proc/self/exe", folder, sizeof folder - 1);
    folder [size > 0? size: 0] = 0;
    char *slash = strrchr (folder, '/');
    if (slash)
        *slash = 0;
    for (cf_actor_id_t id = 0; id < CF_ACTOR_COUNT; id++) {
        snprintf (path, sizeof path, "%s/codeforge-%s", folder, cf_message_actor (id)->name);
        if (access (path, X_OK))
            cf_buf_printf (&missing, " codeforge-%s", cf_message_actor (id)->name);
    }
    if (missing.size)
        s_say (self, FAIL, "programs", "missing in %s:%s. Build again: cmake --build build", folder, missing.bytes);
    else
        s_say (self, OK, "programs", "%s", folder);
    cf_buf_free (&missing);
    const char *const parts [] = { "schema", "prompts", "migrations" };
    for (size_t at = 0; at < sizeof parts / sizeof parts [0]; at++) {
        const char *part = cf_config_share (parts [at]);
        if (access (part, R_OK | X_OK))
            s_say (self, FAIL, "files", "%s cannot be read: %s", part, strerror (errno));
    }
}

static void
s_check_postgres_installed (doctor_t *self)
{
    if (cf_config_is_set (CF_CONFIG_DATABASE_URL))
        return;
    if (!s_exists ("/usr/lib/postgresql/*/bin/postgres"))
        s_say (self, FAIL, "postgresql", "not installed, and DATABASE_URL is not set. Run ops/install, or set DATABASE_URL");
    else if (!s_exists ("/usr/share/postgresql/*/extension/vector.control"))
        s_say (self, FAIL, "postgresql", "installed, but its extension pgvector is not. Run ops/install");
    else
        s_say (self, OK, "postgresql", "installed, with pgvector");
}

static void
s_check_home (doctor_t *self)
{
    cf_error_t error = { 0 };
    if (cf_home_resolve (&error) || cf_home_make (&error) || cf_home_check_room (&error))
        s_say (self, FAIL, "home", "%s", error.text);
    else
        s_say (self, OK, "home", "%s", cf_config_home (""));
}

/*  Usable, for a while yet, and the key nobody else's to read. */
static void
s_check_certificate (doctor_t *self)
{
    cf_error_t error = { 0 };
    cf_certificate_t certificate;
    struct stat key;
    if (!cf_config_is_set (CF_CONFIG_TLS_CERT))
        return;
    if (cf_home_check_certificate (&error) || cf_certificate_read (cf_config_str (CF_CONFIG_TLS_CERT), &certificate, &error)) {
        s_say (self, FAIL, "certificate", "%s", error.text);
        return;
    }
    const char *file = cf_config_str (CF_CONFIG_TLS_CERT);
    int64_t days = (certificate.expires_s - (int64_t) (cf_clock_wall_us () / 1000000u)) / 86400;
    if (certificate.expires_s <= (int64_t) (cf_clock_wall_us () / 1000000u))
        s_say (self, FAIL, "certificate", "%s has expired. Renew it, then: codeforge restart edge", file);
    else
        s_say (self, days < 14? WARN: OK, "certificate", "%s, good for %s, %lld more days%s", file, certificate.name, (long long) days,
               days < 14? ". Renew it, then: codeforge restart edge": "");
    if (stat (cf_config_str (CF_CONFIG_TLS_KEY), &key) == 0 && key.st_mode & (S_IRWXG | S_IRWXO))
        s_say (self, WARN, "key", "%s may be read by others. chmod 600 it", cf_config_str (CF_CONFIG_TLS_KEY));
}

/* ---- the database of DATABASE_URL ---- */

static size_t
s_count_migrations (void)
{
    size_t count = 0;
    DIR *folder = opendir (cf_config_share ("migrations"));
    for (struct dirent *entry; folder && (entry = readdir (folder));) {
        size_t length = strlen (entry->d_name);
        count += length > 4 && strcmp (entry->d_name + length - 4, ".sql") == 0;
    }
    if (folder)
        closedir (folder);
    return count;
}

static void
s_check_database (doctor_t *self)
{
    cf_error_t error = { 0 };
    if (!cf_config_is_set (CF_CONFIG_DATABASE_URL))
        return;
    cf_sql_t *sql = cf_sql_new (cf_config_str (CF_CONFIG_DATABASE_URL), &error);
    cf_sql_rows_t *rows = sql? cf_sql_ask (sql, "select count(*) from codeforge.migrations", NULL, 0, &error): NULL;
    size_t expected = s_count_migrations ();
    if (!sql)
        s_say (self, FAIL, "database", "%s. Start it, or correct DATABASE_URL", error.text);
    else if (!rows)
        s_say (self, WARN, "database", "reachable, not migrated yet; `codeforge up` does it");
    else if (strtoul (cf_sql_rows_text (rows, 0, 0), NULL, 10) != expected)
        s_say (self, WARN, "database", "reachable, %s of %zu migrations applied; the next `codeforge up` applies the rest",
               cf_sql_rows_text (rows, 0, 0), expected);
    else
        s_say (self, OK, "database", "reachable, %zu migrations applied", expected);
    cf_sql_rows_destroy (&rows);
    cf_sql_destroy (&sql);
}

/* ---- what runs ---- */

static void
s_ask_supervisor (doctor_t *self)
{
    int fd = cf_control_connect (NULL);
    cf_json_t *request = json_pack ("{s:s}", "command", "status");
    self->status = fd < 0? NULL: cf_control_ask (fd, request, 5000, NULL);
    json_decref (request);
    if (fd >= 0)
        close (fd);
}

static void
s_check_processes (doctor_t *self)
{
    size_t at, ready = 0;
    cf_json_t *process, *processes = json_object_get (self->status, "processes");
    json_array_foreach (processes, at, process) {
        const char *name = cf_json_str (process, "name", "?"), *state = cf_json_str (process, "state", "?");
        const char *fault = cf_json_str (process, "fault", "");
        if (strcmp (state, "ready") == 0)
            ready++;
        else if (strcmp (state, "failed") == 0)
            s_say (self, FAIL, "process", "%s failed: %s. See `codeforge logs %s`, then `codeforge restart %s`", name, fault, name, name);
        else
            s_say (self, WARN, "process", "%s is %s", name, state);
    }
    if (ready == json_array_size (processes))
        s_say (self, OK, "processes", "%zu, all ready", ready);
}

static void
s_check_port (doctor_t *self)
{
    cf_error_t error = { 0 };
    if (self->status)
        return;
    s_say (self, OK, "running", "no; `codeforge up` starts it");
    if (cf_home_check_port (&error))
        s_say (self, FAIL, "port", "%s", error.text);
    else
        s_say (self, OK, "port", "%u is free", (unsigned) cf_config_u64 (CF_CONFIG_PORT));
}

/*  The edge's own view of everything behind it. */
static int
s_check_health (cf_api_t *api, cf_task_t *task, void *arg)
{
    doctor_t *self = arg;
    cf_json_t *health = NULL, *state;
    cf_error_t error = { 0 };
    const char *name;
    if (cf_api_call (api, task, "GET", "/health", NULL, &health, NULL, &error)) {
        s_say (self, FAIL, "api", "%s does not answer: %s. See `codeforge logs edge`", cf_api_url (api), error.text);
        return CF_EXIT_OK;
    }
    const char *status = cf_json_str (health, "status", "?");
    bool healthy = strcmp (status, "healthy") == 0;
    s_say (self, healthy? OK: WARN, "api", "%s is %s", cf_api_url (api), status);
    json_object_foreach (json_object_get (health, "dependencies"), name, state)
        if (json_is_string (state)) {
            const char *text = json_string_value (state);
            grade_t grade = strcmp (text, "down") == 0? FAIL: strcmp (text, "degraded") == 0? WARN: OK;
            s_say (self, grade, name, "%s%s", text, grade == FAIL? ": see `codeforge logs`": "");
        }
    json_decref (health);
    return CF_EXIT_OK;
}

/* ---- the provider ---- */

/*  Header lines that a provider's requests need beside its key's: NULL-terminated in headers, text in lines. */
static void
s_put_headers (const cf_providers_row_t *row, char lines [4] [700], char *headers [5])
{
    size_t count = 0;
    if (*cf_providers_value (row->key_setting)) {
        snprintf (lines [count], sizeof lines [0], "%s%s", row->key_header, cf_providers_value (row->key_setting));
        headers [count] = lines [count];
        count++;
    }
#define PROVIDER(name_, base_, key_, url_, prefix_, caption_)
#define PROVIDER_HEADER(name_, prefix_, setting_)                                                       \
    if (strcmp (row->name, #name_) == 0 && count < 4) {                                                 \
        snprintf (lines [count], sizeof lines [0], "%s%s", prefix_, cf_providers_value (#setting_));    \
        headers [count] = lines [count];                                                                \
        count++;                                                                                        \
    }
#include "actors/providers/providers.def"
#undef PROVIDER
#undef PROVIDER_HEADER
    headers [count] = NULL;
}

/*  Every provider lists its models at BASE/models for whoever has a key: costs nothing, and shows that the key is right. */
static void
s_ask_provider (doctor_t *self, cf_task_t *task, const cf_providers_row_t *row)
{
    const char *base = cf_providers_value (row->base_setting);
    char url [600], lines [4] [700], *headers [5];
    base = *base? base: row->public_url;
    snprintf (url, sizeof url, "%s/models", base);
    s_put_headers (row, lines, headers);
    cf_http_request_t request = { .url = url, .headers = headers, .connect_ms = 5000, .first_byte_ms = 10000, .stall_ms = 10000 };
    cf_http_response_t response = { 0 };
    cf_error_t error = { 0 };
    if (cf_http_call (task, self->http, &request, NULL, NULL, &response, &error))
        s_say (self, FAIL, row->name, "%s: %s. Check the network and %s", base, error.text, row->base_setting);
    else if (response.status == 401 || response.status == 403)
        s_say (self, FAIL, row->name, "%s refuses %s (HTTP %ld)", base, row->key_setting, response.status);
    else if (response.status >= 500)
        s_say (self, WARN, row->name, "%s answers with HTTP %ld at present", base, response.status);
    else
        s_say (self, OK, row->name, "%s answers", base);
    cf_http_response_free (&response);
    explicit_bzero (lines, sizeof lines);
}

static void
s_ask_providers (cf_task_t *task, void *arg)
{
    const cf_providers_row_t *row;
    for (size_t at = 0; (row = cf_providers_at (at)); at++)
        if (*cf_providers_value (row->base_setting) || *cf_providers_value (row->key_setting))
            s_ask_provider (arg, task, row);
}

static void
s_check_providers (doctor_t *self)
{
    if (!cf_providers_configured ()) {
        s_say (self, OK, "provider", "simulated: no provider's key or base URL is set");
        return;
    }
    cf_loop_t *loop = cf_loop_new ();
    self->http = loop? cf_http_new (loop, 1): NULL;
    if (self->http && cf_task_start (loop, s_ask_providers, self, NULL))
        while (cf_task_count ())
            cf_loop_turn (loop, -1);
    cf_http_destroy (&self->http);
    cf_task_free_pool ();
    cf_loop_destroy (&loop);
}

int
cf_command_doctor (int argc, char **argv)
{
    doctor_t self = { .failures = 0 };
    if (cf_options_parse (argc, argv, NULL, NULL, 0) < 0)
        return cf_fail_usage (argv [0]);
    if (s_check_settings (&self)) {
        s_check_programs (&self);
        s_check_postgres_installed (&self);
        s_check_home (&self);
        s_check_certificate (&self);
        s_ask_supervisor (&self);
        s_check_port (&self);
        s_check_database (&self);
        if (self.status) {
            s_check_processes (&self);
            cf_api_converse (NULL, s_check_health, &self);
        }
        s_check_providers (&self);
    }
    json_decref (self.status);
    return self.failures? CF_EXIT_FAILED: CF_EXIT_OK;
}
