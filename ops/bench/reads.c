/* SPDX-License-Identifier: MPL-2.0 */
/*  reads - what is asked most often: GET of health, of a job, of a project list
 *
 *  The jobs are those that the users' projects have, by their own list; the system must have run some. The newest are asked for again
 *  and again, as by pages that look at their jobs; older ones once each, as what nobody has looked at for long.
 */

#include "ops/bench/commands.h"
#include "ops/bench/users.h"
#include "proto/base/json.h"
#include "proto/base/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 100                        /* jobs of a list's page */
#define HOT 8                           /* newest jobs of each user, asked for again and again */
#define COLD_PAGE 21                    /* of each list, where the jobs begin that are asked for once: further than any cache reaches */
#define COLD_LEAST 1000                 /* fewer are not measured */

typedef struct {
    char id [CF_UUID_SIZE];
    size_t user;
} job_t;

typedef struct {
    cf_users_t users;
    const char *path;                   /* of every request; NULL: that of the job */
    job_t *jobs;
    size_t count, room;
} reads_t;

static void
s_write (void *arg, uint64_t at, cf_buf_t *out)
{
    const reads_t *self = arg;
    if (self->path) {
        cf_users_write_get (&self->users, at, self->path, out);
        return;
    }
    const job_t *job = &self->jobs [at % self->count];
    char path [64];
    snprintf (path, sizeof path, "/v1/jobs/%s", job->id);
    cf_users_write_get (&self->users, job->user, path, out);
}

/*  Adds the jobs of a page of a user's list, as long as there is room. How many the page had; -1 after a line on stderr. */
static int
s_take_page (reads_t *self, size_t user, unsigned page, size_t most)
{
    char path [128];
    cf_buf_t request, body;
    cf_error_t error = { 0 };
    snprintf (path, sizeof path, "/v1/jobs/%s/list?page=%u&page_size=%d", self->users.rows [user].project, page, PAGE);
    cf_buf_init (&request, 16384);
    cf_users_write_get (&self->users, user, path, &request);
    int status = cf_client_ask (self->users.port, &request, &body, &error);
    cf_json_t *list = status == 200? cf_json_parse (body.bytes, body.size, &error): NULL, *items = json_object_get (list, "items"), *item;
    int found = list? (int) json_array_size (items): -1;
    size_t at;
    if (!list)
        fprintf (stderr, "%s: status %d %s\n", path, status, error.text);
    json_array_foreach (items, at, item)
        if (at < most && self->count < self->room) {
            snprintf (self->jobs [self->count].id, CF_UUID_SIZE, "%s", cf_json_str (item, "job_id", ""));
            self->jobs [self->count++].user = user;
        }
    json_decref (list);
    cf_buf_free (&body);
    cf_buf_free (&request);
    return found;
}

static int
s_measure (const cf_load_options_t *options, reads_t *self, const char *name, uint64_t count)
{
    cf_client_plan_t plan = {
        .port = (uint16_t) options->port, .connections = options->connections, .count = count, .time_ms = options->seconds * 1000,
        .status = 200, .write = s_write, .arg = self
    };
    cf_client_result_t result;
    cf_error_t error = { 0 };
    int rc = cf_client_run (&plan, &result, &error);
    if (rc)
        fprintf (stderr, "%s\n", error.text);
    else
        rc = cf_client_report (&result, name);
    cf_samples_free (&result.latency);
    return rc;
}

static int
s_measure_hot (const cf_load_options_t *options, reads_t *self)
{
    self->count = 0;
    for (size_t user = 0; user < self->users.count; user++)
        if (s_take_page (self, user, 1, HOT) < 0)
            return -1;
    if (!self->count) {
        fprintf (stderr, "there are no jobs to be read\n");
        return -1;
    }
    return s_measure (options, self, "read_job", options->count);
}

static int
s_measure_cold (const cf_load_options_t *options, reads_t *self)
{
    self->count = 0;
    bool more = true;
    for (unsigned page = COLD_PAGE; more && self->count < self->room; page++) {
        more = false;
        for (size_t user = 0; user < self->users.count; user++) {
            int found = s_take_page (self, user, page, PAGE);
            if (found < 0)
                return -1;
            more = more || found == PAGE;
        }
    }
    return self->count < COLD_LEAST? 0: s_measure (options, self, "read_job_cold", self->count);
}

static int
s_measure_path (const cf_load_options_t *options, reads_t *self, const char *path, const char *name, uint64_t count)
{
    self->path = path;
    int rc = s_measure (options, self, name, count);
    self->path = NULL;
    return rc;
}

/*  Whether the figure is asked for: one by --name, or all. */
static bool
s_wants (const cf_load_options_t *options, const char *name)
{
    return !*options->name || strcmp (options->name, name) == 0;
}

int
cf_load_reads (const cf_load_options_t *options)
{
    reads_t self = { .room = (size_t) (options->count / 10 + CF_USERS_MAX * HOT) };
    self.jobs = calloc (self.room, sizeof *self.jobs);
    if (!self.jobs)
        return 1;
    cf_users_load (&self.users, options->users, (uint16_t) options->port);
    int rc = 0;
    if (s_wants (options, "health"))
        rc |= s_measure_path (options, &self, "/health", "read_health", options->count * 2);
    if (s_wants (options, "projects"))
        rc |= s_measure_path (options, &self, "/v1/projects/", "read_projects", options->count / 2 + 1);
    if (s_wants (options, "job"))
        rc |= s_measure_hot (options, &self);
    if (s_wants (options, "job_cold"))
        rc |= s_measure_cold (options, &self);
    cf_users_free (&self.users);
    free (self.jobs);
    return rc? 1: 0;
}
