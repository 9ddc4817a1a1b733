/* SPDX-License-Identifier: MPL-2.0 */
/*  single - the commands that look at one job at a time: overhead, push */

#include "ops/bench/commands.h"
#include "ops/bench/users.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"
#include "proto/base/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_S 60
#define PUSH_LATENCY_MS 50              /* the model's, so that the stream is open before the job ends */

/* ---- overhead ---- */

typedef struct {
    cf_users_t users;
    uint64_t *began_us, *took_us;       /* wall clock of the request, by its number */
    uint64_t wrong;
} overhead_t;

static void
s_write_timed (void *arg, uint64_t at, cf_buf_t *out)
{
    overhead_t *self = arg;
    cf_users_write_job (&self->users, at, out);
    self->began_us [at] = cf_clock_us ();
}

static void
s_take_timed (void *arg, uint64_t at, int status, const char *body, size_t size)
{
    overhead_t *self = arg;
    self->took_us [at] = cf_clock_us () - self->began_us [at];
    if (status != 200 || !memmem (body, size, "\"completed\"", 11))
        self->wrong++;
}

cf_json_t *
cf_load_provider_calls (uint16_t port)
{
    cf_buf_t request, body;
    cf_error_t error = { 0 };
    cf_buf_init (&request, 1024);
    cf_buf_printf (&request, "GET /_sim/calls HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", (unsigned) port);
    int status = cf_client_ask (port, &request, &body, &error);
    cf_json_t *journal = status == 200? cf_json_parse (body.bytes, body.size, &error): NULL;
    cf_json_t *calls = json_incref (json_object_get (journal, "calls"));
    if (!calls)
        fprintf (stderr, "the provider's journal: status %d %s\n", status, error.text);
    json_decref (journal);
    cf_buf_free (&body);
    cf_buf_free (&request);
    return calls;
}

/*  What is left of each request without its model call; requests and calls came one after the other, so they pair up in order. */
static int
s_report_overhead (const overhead_t *self, uint64_t count, const cf_json_t *calls)
{
    cf_samples_t whole, ours, theirs;
    if (json_array_size (calls) != count || self->wrong) {
        fprintf (stderr, "%llu jobs, %zu model calls, %llu jobs did not complete\n", (unsigned long long) count, json_array_size (calls),
                 (unsigned long long) self->wrong);
        return 1;
    }
    cf_samples_init (&whole, count);
    cf_samples_init (&ours, count);
    cf_samples_init (&theirs, count);
    for (uint64_t at = 0; at < count; at++) {
        const cf_json_t *call = json_array_get (calls, at);
        uint64_t provider_us = (uint64_t) (cf_json_int (call, "ended_us", 0) - cf_json_int (call, "started_us", 0));
        cf_samples_add (&whole, self->took_us [at]);
        cf_samples_add (&theirs, provider_us);
        cf_samples_add (&ours, self->took_us [at] > provider_us? self->took_us [at] - provider_us: 0);
    }
    cf_figure_samples ("overhead", &ours);
    cf_figure_samples ("overhead_whole", &whole);
    cf_figure_samples ("overhead_provider", &theirs);
    cf_samples_free (&whole);
    cf_samples_free (&ours);
    cf_samples_free (&theirs);
    return 0;
}

int
cf_load_overhead (const cf_load_options_t *options)
{
    overhead_t self = { .began_us = calloc (options->count, sizeof (uint64_t)), .took_us = calloc (options->count, sizeof (uint64_t)) };
    cf_client_result_t result = { 0 };
    cf_error_t error = { 0 };
    int rc = 1;
    if (!self.began_us || !self.took_us || cf_load_set_latency (options->simulator_port, 0))
        goto done;
    cf_users_load (&self.users, options->users, (uint16_t) options->port);
    self.users.wait_s = WAIT_S;
    cf_client_plan_t plan = {
        .port = (uint16_t) options->port, .connections = 1, .count = options->count, .time_ms = options->seconds * 1000,
        .status = 200, .write = s_write_timed, .answer = s_take_timed, .arg = &self
    };
    if (cf_client_run (&plan, &result, &error))
        fprintf (stderr, "%s\n", error.text);
    else if (result.refused || result.broken || !result.counted)
        fprintf (stderr, "%llu answered, first refused with status %d\n", (unsigned long long) result.counted, result.refused_status);
    else {
        cf_json_t *calls = cf_load_provider_calls ((uint16_t) options->simulator_port);
        rc = calls? s_report_overhead (&self, result.counted, calls): 1;
        json_decref (calls);
    }
done:
    cf_samples_free (&result.latency);
    cf_users_free (&self.users);
    free (self.began_us);
    free (self.took_us);
    return rc;
}

/* ---- push ---- */

/*  Microseconds since the epoch of an RFC 3339 time in UTC; 0 where it is none. */
static uint64_t
s_wall_us (const char *text)
{
    struct tm parts = { 0 };
    const char *rest = strptime (text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest)
        return 0;
    uint64_t fraction = 0, scale = 100000;
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
            fraction += (uint64_t) (*rest - '0') * scale;
    return (uint64_t) timegm (&parts) * 1000000 + fraction;
}

/*  The answer to a request of user at, as JSON; NULL after a line on stderr. */
static cf_json_t *
s_ask (uint16_t port, const cf_buf_t *request, int wanted)
{
    cf_buf_t body;
    cf_error_t error = { 0 };
    int status = cf_client_ask (port, request, &body, &error);
    cf_json_t *answer = status == wanted? cf_json_parse (body.bytes, body.size, &error): NULL;
    if (!answer)
        fprintf (stderr, "status %d %s %s\n", status, error.text, body.bytes);
    cf_buf_free (&body);
    return answer;
}

/*  Reads the stream until what ends a job has come whole; the wall clock then, 0 where the stream broke. */
static uint64_t
s_read_stream (int fd)
{
    char bytes [65536];
    size_t size = 0;
    for (;;) {
        ssize_t count = recv (fd, bytes + size, sizeof bytes - 1 - size, 0);
        uint64_t now_us = cf_clock_wall_us ();
        if (count <= 0)
            return 0;
        size += (size_t) count;
        bytes [size] = 0;
        const char *event = strstr (bytes, "event: complete");
        if (event && strstr (event, "\n\n"))
            return now_us;
        if (!event && size > sizeof bytes / 2) {        /* an event name may be cut in two: keep the end */
            memmove (bytes, bytes + size - 64, 64);
            size = 64;
        }
    }
}

/*  One job: from its completed_at to its watcher having all of `complete`. Microseconds, or -1 after a line on stderr. */
static int64_t
s_push_one (const cf_users_t *users, uint64_t at)
{
    cf_buf_t request;
    cf_error_t error = { 0 };
    char path [128], id [CF_UUID_SIZE];
    int64_t took_us = -1;
    cf_buf_init (&request, 65536);
    cf_users_write_job ((void *) users, at, &request);
    cf_json_t *accepted = s_ask (users->port, &request, 202), *job = NULL;
    int fd = accepted? cf_client_connect (users->port, WAIT_S * 1000, &error): -1;
    if (fd >= 0) {
        snprintf (id, sizeof id, "%s", cf_json_str (accepted, "job_id", ""));
        snprintf (path, sizeof path, "/v1/jobs/%s/stream", id);
        cf_buf_reset (&request);
        cf_users_write_get (users, at, path, &request);
        uint64_t seen_us = send (fd, request.bytes, request.size, MSG_NOSIGNAL) == (ssize_t) request.size? s_read_stream (fd): 0;
        snprintf (path, sizeof path, "/v1/jobs/%s", id);
        cf_buf_reset (&request);
        cf_users_write_get (users, at, path, &request);
        job = seen_us? s_ask (users->port, &request, 200): NULL;
        uint64_t ended_us = s_wall_us (cf_json_str (job, "completed_at", ""));
        if (ended_us && ended_us <= seen_us)
            took_us = (int64_t) (seen_us - ended_us);
        else
            fprintf (stderr, "job %s: no end was seen\n", id);
        close (fd);
    }
    json_decref (job);
    json_decref (accepted);
    cf_buf_free (&request);
    return took_us;
}

int
cf_load_push (const cf_load_options_t *options)
{
    cf_users_t users;
    cf_samples_t delays;
    if (cf_load_set_latency (options->simulator_port, PUSH_LATENCY_MS))
        return 1;
    cf_users_load (&users, options->users, (uint16_t) options->port);
    cf_samples_init (&delays, options->count);
    uint64_t end_us = cf_clock_us () + options->seconds * 1000000;
    int64_t took_us = 0;
    for (uint64_t at = 0; at < options->count && took_us >= 0 && cf_clock_us () < end_us; at++) {
        took_us = s_push_one (&users, at);
        if (took_us >= 0)
            cf_samples_add (&delays, (uint64_t) took_us);
    }
    cf_figure_samples ("push", &delays);
    int rc = took_us < 0 || !delays.count? 1: 0;
    cf_samples_free (&delays);
    cf_users_free (&users);
    return rc;
}
