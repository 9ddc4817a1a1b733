/* SPDX-License-Identifier: MPL-2.0 */
/*  tokens - the broker says which tokens.<job> topics have a subscriber; the set starts anew with each broker */

#include "actors/providers/tokens.h"
#include "actors/lib/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CF_TOKENS_MAX 65536             /* jobs watched at once; further ones are not shown */
#define CF_TOKENS_WANTED "wanted.tokens."

typedef struct {
    UT_hash_handle hh;
    char job [CF_UUID_SIZE];
} wanted_t;

static wanted_t *s_wanted;
static cf_subscription_t *s_subscription;

static void
s_forget (wanted_t *wanted)
{
    HASH_DEL (s_wanted, wanted);
    free (wanted);
}

static void
s_forget_all (void *arg)
{
    (void) arg;
    wanted_t *wanted, *next;
    HASH_ITER (hh, s_wanted, wanted, next)
        s_forget (wanted);
}

static void
s_on_wanted (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    (void) fields;
    const char *job = envelope->to + strlen (CF_TOKENS_WANTED);
    wanted_t *wanted = NULL;
    if (!cf_uuid_valid (job))
        return;
    HASH_FIND_STR (s_wanted, job, wanted);
    if (wanted && envelope->number == 0)
        s_forget (wanted);
    if (wanted || envelope->number == 0 || HASH_COUNT (s_wanted) >= CF_TOKENS_MAX || !(wanted = calloc (1, sizeof *wanted)))
        return;
    snprintf (wanted->job, sizeof wanted->job, "%s", job);
    HASH_ADD_STR (s_wanted, job, wanted);
}

void
cf_tokens_listen (void)
{
    s_subscription = cf_event_subscribe (CF_TOKENS_WANTED "*", s_on_wanted, NULL);
    cf_link_on_joined (cf_link_here (), s_forget_all, NULL);
}

void
cf_tokens_free (void)
{
    cf_event_unsubscribe (&s_subscription);
    s_forget_all (NULL);
}

bool
cf_tokens_wanted (const char *job)
{
    wanted_t *wanted = NULL;
    if (s_wanted)
        HASH_FIND_STR (s_wanted, job, wanted);
    return wanted != NULL;
}

void
cf_tokens_init (cf_tokens_t *self, const char *job, const char *stage)
{
    *self = (cf_tokens_t) { .stage = stage };
    snprintf (self->job, sizeof self->job, "%s", job);
}

static void
s_publish (const cf_tokens_t *self, const char *text, bool reset)
{
    char topic [sizeof "tokens." + CF_UUID_SIZE];
    snprintf (topic, sizeof topic, "tokens.%s", self->job);
    cf_event_publish (topic, self->job, CF_MODEL_TOKENS, &(cf_model_tokens_t) { .stage = self->stage, .text = text, .reset = reset }, 0);
}

void
cf_tokens_show (cf_tokens_t *self, const cf_buf_t *text)
{
    if (!cf_tokens_wanted (self->job)) {
        self->watched = false;
        return;
    }
    size_t from = self->watched? self->shown: 0;
    if (text->size > from)
        s_publish (self, text->bytes + from, !self->watched && self->shown > 0);
    self->watched = true;
    self->shown = text->size;
}

void
cf_tokens_restart (cf_tokens_t *self)
{
    if (self->shown > 0 && cf_tokens_wanted (self->job))
        s_publish (self, "", true);
    self->shown = 0;
}
