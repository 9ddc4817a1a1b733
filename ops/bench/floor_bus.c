/* SPDX-License-Identifier: MPL-2.0 */
/*  floor_bus - round trips through the broker between two processes that do nothing else: no task, no decoding of bodies
 *
 *  The broker is that of CODEFORGE_HOME.
 */

#include "actors/lib/link.h"
#include "ops/bench/commands.h"
#include "ops/bench/samples.h"
#include "proto/base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVICE "echo"
#define DEADLINE_MS 10000
#define TEXT_SIZE 256                   /* about what the body of a small message has */
#define JOIN_MS 10000

/* ---- the one that answers ---- */

static void
s_on_call (void *arg, const cf_envelope_t *envelope, const void *bytes, size_t size)
{
    (void) bytes;
    (void) size;
    cf_envelope_t answer = { .kind = CF_KIND_REPLY, .call = envelope->call };
    memcpy (answer.to, envelope->from, sizeof answer.to);
    cf_link_send (cf_link_here (), &answer, arg);
}

static cf_link_t *
s_join (cf_loop_t *loop, const char *service)
{
    cf_error_t error = { 0 };
    cf_link_t *link = loop? cf_link_new (loop, service, 1, 4096, &error): NULL;
    if (!link)
        fprintf (stderr, "no link: %s\n", error.text);
    return link;
}

static cf_body_t *
s_body (void)
{
    char text [TEXT_SIZE];
    memset (text, 'x', sizeof text - 1);
    text [sizeof text - 1] = 0;
    return cf_body_new (CF_FAILURE, &(cf_failure_t) { .text = text, .details = "" });
}

static void
s_answer_for_ever (void)
{
    cf_loop_t *loop = cf_loop_new ();
    cf_link_t *link = s_join (loop, SERVICE);
    cf_body_t *body = s_body ();
    if (!link || !body)
        exit (1);
    cf_link_listen (link, CF_KIND_CALL, s_on_call, body);
    cf_link_ready (link, NULL, NULL);
    cf_loop_run (loop);
}

/* ---- the one that asks ---- */

typedef struct {
    cf_loop_t *loop;
    cf_link_t *link;
    cf_body_t *body;
    uint64_t *sent_us;                  /* by number of the call - 1 */
    uint64_t sent, answered, failed, count, end_us;
    cf_samples_t latency;
} asker_t;

static void
s_ask_next (asker_t *self)
{
    if (self->sent == self->count || cf_clock_us () >= self->end_us)
        return;
    self->sent_us [self->sent++] = cf_clock_us ();
    cf_envelope_t call = { .kind = CF_KIND_CALL, .call = self->sent, .deadline_ms = DEADLINE_MS };
    snprintf (call.to, sizeof call.to, "%s", SERVICE);
    cf_link_send (self->link, &call, self->body);
}

static void
s_on_answer (void *arg, const cf_envelope_t *envelope, const void *bytes, size_t size)
{
    asker_t *self = arg;
    (void) bytes;
    (void) size;
    if (!envelope->call || envelope->call > self->sent)
        return;
    self->answered++;
    self->failed += envelope->kind == CF_KIND_FAILED;
    cf_samples_add (&self->latency, cf_clock_us () - self->sent_us [envelope->call - 1]);
    s_ask_next (self);
}

static int
s_measure (asker_t *self, const char *name, uint64_t window, uint64_t count, uint64_t seconds)
{
    uint64_t started_us = cf_clock_us ();
    self->sent = self->answered = 0;
    self->count = count;
    self->end_us = started_us + seconds * 1000000;
    cf_samples_init (&self->latency, count);
    for (uint64_t at = 0; at < window; at++)
        s_ask_next (self);
    while (self->answered < self->sent && cf_clock_us () < self->end_us + DEADLINE_MS * 1000)
        cf_loop_turn (self->loop, 100);
    char full [64];
    snprintf (full, sizeof full, "%s_rate", name);
    cf_figure (full, (double) self->answered * 1e6 / (double) (cf_clock_us () - started_us), "1/s");
    cf_figure_samples (name, &self->latency);
    cf_samples_free (&self->latency);
    return self->failed || self->answered < self->sent? -1: 0;
}

static int
s_ask_all (const cf_load_options_t *options)
{
    asker_t self = { .loop = cf_loop_new (), .body = s_body (), .sent_us = calloc (options->count + 1, sizeof (uint64_t)) };
    if (!self.body || !self.sent_us || !(self.link = s_join (self.loop, "asker")))
        return -1;
    cf_link_listen (self.link, CF_KIND_REPLY, s_on_answer, &self);
    cf_link_listen (self.link, CF_KIND_FAILED, s_on_answer, &self);
    for (uint64_t end_ms = cf_clock_ms () + JOIN_MS; !cf_link_joined (self.link) && cf_clock_ms () < end_ms; )
        cf_loop_turn (self.loop, 100);
    int rc = s_measure (&self, "floor_bus", options->window, options->count, options->seconds);
    rc |= s_measure (&self, "floor_bus_alone", 1, options->count / 10 + 1, options->seconds);
    cf_link_bye (self.link);
    cf_link_destroy (&self.link);
    cf_loop_destroy (&self.loop);
    cf_body_unref (&self.body);
    free (self.sent_us);
    return rc;
}

int
cf_load_floor_bus (const cf_load_options_t *options)
{
    pid_t echo = fork ();
    if (echo < 0)
        return 1;
    if (echo == 0) {
        prctl (PR_SET_PDEATHSIG, SIGTERM);
        s_answer_for_ever ();
        _exit (0);
    }
    int rc = s_ask_all (options);
    kill (echo, SIGTERM);
    waitpid (echo, NULL, 0);
    return rc? 1: 0;
}
