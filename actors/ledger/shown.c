/* SPDX-License-Identifier: MPL-2.0 */
/*  shown - one hash, whose order of insertion is that of the last use: an entry that is used is taken out and put in again */

#include "actors/ledger/shown.h"
#include "proto/base/clock.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    UT_hash_handle hh;
    char id [CF_UUID_SIZE];
    char user [CF_UUID_SIZE];
    uint64_t version;
    uint64_t since_ms;
    size_t bytes;
    cf_body_t *body;                    /* either this */
    cf_job_t *job;                      /* or this, not printed yet */
} entry_t;

struct cf_shown_t {
    entry_t *entries;                   /* the one that was not asked for the longest first */
    size_t bytes;
    uint64_t most_ms;
    cf_body_t *unkept;                  /* the last one that was too large to keep */
};

cf_shown_t *
cf_shown_new (uint64_t most_ms)
{
    cf_shown_t *self = calloc (1, sizeof *self);
    if (self)
        self->most_ms = most_ms;
    return self;
}

void
cf_shown_destroy (cf_shown_t **self_p)
{
    cf_shown_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    cf_shown_clear (self);
    free (self);
}

static void
s_forget (cf_shown_t *self, entry_t *entry)
{
    HASH_DEL (self->entries, entry);
    self->bytes -= entry->bytes;
    cf_body_unref (&entry->body);
    cf_job_destroy (&entry->job);
    free (entry);
}

void
cf_shown_clear (cf_shown_t *self)
{
    cf_body_unref (&self->unkept);
    while (self->entries)
        s_forget (self, self->entries);
}

void
cf_shown_forget (cf_shown_t *self, const char *id)
{
    entry_t *entry;
    HASH_FIND_STR (self->entries, id, entry);
    if (entry)
        s_forget (self, entry);
}

size_t
cf_shown_count (const cf_shown_t *self)
{
    return HASH_COUNT (self->entries);
}

static uint64_t
s_version (const cf_job_t *job)
{
    return cf_job_is_terminal (job->state) && job->settled? CF_SHOWN_ENDED: job->version;
}

static size_t
s_length (const char *text)
{
    return text? strlen (text): 0;
}

/*  What an entry of job takes, about. */
static size_t
s_bytes (const cf_job_t *job, const cf_body_t *body)
{
    size_t bytes = sizeof (entry_t) + cf_body_size (body);
    if (job)
        bytes += sizeof *job + strlen (job->input) + s_length (job->result) + s_length (job->error) + s_length (job->error_details);
    for (const cf_step_t *step = job? job->steps: NULL; step; step = step->next)
        bytes += sizeof *step;
    return bytes;
}

static void
s_shrink (cf_shown_t *self)
{
    while (HASH_COUNT (self->entries) > CF_SHOWN_MAX || self->bytes > CF_SHOWN_BYTES)
        s_forget (self, self->entries);
}

/*  Makes an entry for job with either of body and kept, which are taken. False when it is not kept (then neither is taken). */
static bool
s_add (cf_shown_t *self, const cf_job_t *job, cf_body_t *body, cf_job_t *kept)
{
    size_t bytes = s_bytes (kept, body);
    entry_t *entry = NULL;
    HASH_FIND_STR (self->entries, job->id, entry);
    if (entry)
        s_forget (self, entry);
    if (bytes > CF_SHOWN_JOB_BYTES || !(entry = calloc (1, sizeof *entry)))
        return false;
    memcpy (entry->id, job->id, sizeof entry->id);
    memcpy (entry->user, job->user, sizeof entry->user);
    entry->version = s_version (job);
    entry->since_ms = cf_clock_ms ();
    entry->bytes = bytes;
    entry->body = body;
    entry->job = kept;
    HASH_ADD_STR (self->entries, id, entry);
    self->bytes += bytes;
    s_shrink (self);
    return true;
}

static cf_body_t *
s_print (const cf_job_t *job)
{
    cf_json_t *shown = cf_job_show (job);
    char *text = cf_json_print (shown);
    cf_body_t *body = text? cf_body_new (CF_JOB_SHOWN, &(cf_job_shown_t) { .shown = text, .status = cf_job_state_name (cf_job_shown_state (job)) })
        : NULL;
    free (text);
    json_decref (shown);
    return body;
}

cf_body_t *
cf_shown_print (cf_shown_t *self, const cf_job_t *job)
{
    cf_body_t *body = s_print (job);
    if (body && !s_add (self, job, body, NULL)) {
        cf_body_unref (&self->unkept);
        self->unkept = body;
    }
    return body;
}

void
cf_shown_keep (cf_shown_t *self, cf_job_t **job_p)
{
    cf_job_t *job = *job_p;
    *job_p = NULL;
    if (!s_add (self, job, NULL, job))
        cf_job_destroy (&job);
}

cf_body_t *
cf_shown_lookup (cf_shown_t *self, const char *id, const char *user, uint64_t version)
{
    entry_t *entry;
    HASH_FIND_STR (self->entries, id, entry);
    if (!entry || entry->version != version || strcmp (entry->user, user) != 0)
        return NULL;
    if (cf_clock_ms () - entry->since_ms > self->most_ms) {
        s_forget (self, entry);
        return NULL;
    }
    if (entry->job) {
        cf_job_t *job = entry->job;
        entry->job = NULL;
        cf_body_t *body = cf_shown_print (self, job);   /* in place of this entry */
        cf_job_destroy (&job);
        return body;
    }
    HASH_DEL (self->entries, entry);
    HASH_ADD_STR (self->entries, id, entry);
    return entry->body;
}
