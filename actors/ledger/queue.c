/* SPDX-License-Identifier: MPL-2.0 */
/*  queue - for each priority a ring of users, for each user a line of jobs; every operation takes constant time */

#include "actors/ledger/queue.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define CF_QUEUE_PRIORITIES 10

typedef struct line_t {
    UT_hash_handle hh;
    struct line_t *prev, *next;         /* in the ring; its head is whose turn it is */
    char key [CF_UUID_SIZE + 1];        /* user and priority */
    uint32_t priority;
    cf_job_t *jobs;
} line_t;

struct cf_queue_t {
    line_t *lines;                      /* by key */
    line_t *rings [CF_QUEUE_PRIORITIES];
    size_t size;
};

cf_queue_t *
cf_queue_new (void)
{
    return calloc (1, sizeof (cf_queue_t));
}

static void
s_free_line (cf_queue_t *self, line_t *line)
{
    DL_DELETE (self->rings [line->priority], line);
    HASH_DEL (self->lines, line);
    free (line);
}

void
cf_queue_destroy (cf_queue_t **self_p)
{
    cf_queue_t *self = *self_p;
    if (!self)
        return;
    line_t *line, *next;
    HASH_ITER (hh, self->lines, line, next)
        s_free_line (self, line);
    free (self);
    *self_p = NULL;
}

static uint32_t
s_priority (const cf_job_t *job)
{
    return job->priority < CF_QUEUE_PRIORITIES? job->priority: CF_QUEUE_PRIORITIES - 1;
}

static line_t *
s_line (cf_queue_t *self, const cf_job_t *job)
{
    char key [CF_UUID_SIZE + 1];
    memcpy (key, job->user, CF_UUID_SIZE - 1);
    key [CF_UUID_SIZE - 1] = (char) ('0' + s_priority (job));
    key [CF_UUID_SIZE] = 0;
    line_t *line;
    HASH_FIND (hh, self->lines, key, CF_UUID_SIZE, line);
    if (!line && (line = calloc (1, sizeof *line))) {
        memcpy (line->key, key, sizeof key);
        line->priority = s_priority (job);
        HASH_ADD (hh, self->lines, key, CF_UUID_SIZE, line);
        DL_APPEND (self->rings [line->priority], line);
    }
    return line;
}

int
cf_queue_push (cf_queue_t *self, cf_job_t *job, bool in_front)
{
    line_t *line = s_line (self, job);
    if (!line)
        return -1;
    if (in_front) {
        DL_PREPEND (line->jobs, job);
        DL_DELETE (self->rings [line->priority], line);
        DL_PREPEND (self->rings [line->priority], line);
    }
    else
        DL_APPEND (line->jobs, job);
    job->queued = true;
    self->size++;
    return 0;
}

static void
s_take (cf_queue_t *self, line_t *line, cf_job_t *job)
{
    DL_DELETE (line->jobs, job);
    job->prev = job->next = NULL;
    job->queued = false;
    self->size--;
    if (!line->jobs)
        s_free_line (self, line);
}

cf_job_t *
cf_queue_pop (cf_queue_t *self)
{
    for (int priority = CF_QUEUE_PRIORITIES - 1; priority >= 0; priority--) {
        line_t *line = self->rings [priority];
        if (!line)
            continue;
        DL_DELETE (self->rings [priority], line);       /* the next user's turn */
        DL_APPEND (self->rings [priority], line);
        cf_job_t *job = line->jobs;
        s_take (self, line, job);
        return job;
    }
    return NULL;
}

void
cf_queue_remove (cf_queue_t *self, cf_job_t *job)
{
    if (job->queued)
        s_take (self, s_line (self, job), job);
}

size_t
cf_queue_size (const cf_queue_t *self)
{
    return self->size;
}
