/* SPDX-License-Identifier: MPL-2.0 */
/*  recall - patterns are stored and recalled through the actor, as agents do: a message to memory and its answer, one at a time
 *
 *  The texts are fewer than memory knows embeddings of, and each is recalled once before what counts, so that no embedding is waited for;
 *  each must be found first.
 */

#include "actors/lib/call.h"
#include "ops/bench/commands.h"
#include "ops/bench/samples.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"

#include <stdio.h>
#include <string.h>

#define TEXTS_MAX 200
#define ROUNDS 5
#define CALL_MS 10000
#define JOIN_MS 10000

typedef struct {
    uint64_t count;
    cf_samples_t stored, recalled;
    bool done, failed;
} asker_t;

static const char *
s_text (uint64_t at)
{
    static const char *const things [] = { "chess clock", "herb garden", "tide table", "bird log", "bread diary", "choir rota", "tool library" };
    static const char *const people [] = { "two players", "a balcony", "small harbours", "one window", "night bakers", "a village", "neighbours" };
    static const char *const ways [] = { "reminders", "a shared calendar", "printed cards", "spoken notes", "a map", "photographs", "statistics" };
    static char text [200];
    snprintf (text, sizeof text, "A %s for %s with %s", things [at % 7], people [at / 7 % 7], ways [at / 49 % 7]);
    return text;
}

static bool
s_store (cf_task_t *task, asker_t *self, uint64_t at, cf_error_t *error)
{
    char id [CF_UUID_SIZE];
    cf_pattern_store_t keep = { .pattern = cf_uuid_new (id), .type = "builder", .text = s_text (at), .metadata = "{\"score\": 90}" };
    uint64_t began_us = cf_clock_us ();
    cf_pattern_kept_t *kept = cf_call (task, CF_PATTERN_STORE, &keep, CALL_MS, error);
    cf_samples_add (&self->stored, cf_clock_us () - began_us);
    bool stored = kept != NULL;
    cf_codec_free (&kept);
    return stored;
}

static bool
s_recall (cf_task_t *task, asker_t *self, uint64_t at, bool counted, cf_error_t *error)
{
    cf_pattern_recall_t ask = { .text = s_text (at), .type = "", .count = 3 };
    uint64_t began_us = cf_clock_us ();
    cf_patterns_t *patterns = cf_call (task, CF_PATTERN_RECALL, &ask, CALL_MS, error);
    if (counted)
        cf_samples_add (&self->recalled, cf_clock_us () - began_us);
    cf_json_t *found = patterns? cf_json_parse (patterns->found, strlen (patterns->found), error): NULL;
    bool first = strcmp (cf_json_str (json_array_get (found, 0), "content", ""), s_text (at)) == 0;
    if (found && !first)
        cf_error_set (error, CF_ERROR_INTERNAL, "\"%s\" was stored and is not found first", s_text (at));
    json_decref (found);
    cf_codec_free (&patterns);
    return first;
}

static void
s_ask_all (cf_task_t *task, void *arg)
{
    asker_t *self = arg;
    cf_error_t error = { 0 };
    bool well = true;
    for (uint64_t at = 0; at < self->count && well; at++)
        well = s_store (task, self, at, &error);
    for (size_t round = 0; round <= ROUNDS; round++)
        for (uint64_t at = 0; at < self->count && well; at++)
            well = s_recall (task, self, at, round > 0, &error);
    if (!well)
        fprintf (stderr, "%s\n", error.text);
    self->failed = !well;
    self->done = true;
}

int
cf_load_recall (const cf_load_options_t *options)
{
    asker_t self = { .count = options->count < TEXTS_MAX? options->count: TEXTS_MAX };
    cf_error_t error = { 0 };
    cf_loop_t *loop = cf_loop_new ();
    cf_link_t *link = loop? cf_link_new (loop, "asker", 1, 16, &error): NULL;
    if (!link) {
        fprintf (stderr, "no link: %s\n", error.text);
        return 1;
    }
    for (uint64_t end_ms = cf_clock_ms () + JOIN_MS; !cf_link_joined (link) && cf_clock_ms () < end_ms; )
        cf_loop_turn (loop, 100);
    cf_samples_init (&self.stored, self.count);
    cf_samples_init (&self.recalled, self.count * ROUNDS);
    cf_task_start (loop, s_ask_all, &self, NULL);
    while (!self.done)
        cf_loop_turn (loop, 1000);
    cf_figure_samples ("store", &self.stored);
    cf_figure_samples ("recall", &self.recalled);
    cf_samples_free (&self.stored);
    cf_samples_free (&self.recalled);
    cf_link_bye (link);
    cf_link_destroy (&link);
    cf_loop_destroy (&loop);
    return self.failed? 1: 0;
}
