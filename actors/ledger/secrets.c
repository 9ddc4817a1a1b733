/* SPDX-License-Identifier: MPL-2.0 */
/*  secrets - a hash by job; a timer looks which jobs are no longer open */

#include "actors/ledger/secrets.h"
#include "proto/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CF_SECRETS_LOOK_MS 1000u        /* at most, between two looks */

typedef struct {
    UT_hash_handle hh;
    char job [CF_UUID_SIZE];
    char user [CF_UUID_SIZE];
    uint64_t since_ms;
    char *text;
} secret_t;

struct cf_secrets_t {
    cf_loop_t *loop;
    cf_desk_t *desk;
    uint64_t unclaimed_ms;
    secret_t *secrets;
    cf_timer_t look;                    /* set while there are any */
};

static void
s_forget_text (secret_t *secret)
{
    if (secret->text)
        explicit_bzero (secret->text, strlen (secret->text));
    free (secret->text);
}

static void
s_forget (cf_secrets_t *self, secret_t *secret)
{
    HASH_DEL (self->secrets, secret);
    s_forget_text (secret);
    free (secret);
}

static void s_on_look (void *arg);

static void
s_look_later (cf_secrets_t *self)
{
    uint64_t pause_ms = self->unclaimed_ms < CF_SECRETS_LOOK_MS? self->unclaimed_ms: CF_SECRETS_LOOK_MS;
    if (self->secrets)
        cf_timer_set (self->loop, &self->look, pause_ms, s_on_look, self);
}

static void
s_on_look (void *arg)
{
    cf_secrets_t *self = arg;
    secret_t *secret, *next;
    uint64_t now_ms = cf_clock_ms ();
    HASH_ITER (hh, self->secrets, secret, next)
        if (now_ms >= secret->since_ms + self->unclaimed_ms && !cf_desk_lookup (self->desk, secret->job, secret->user))
            s_forget (self, secret);
    s_look_later (self);
}

cf_secrets_t *
cf_secrets_new (cf_loop_t *loop, cf_desk_t *desk, uint64_t unclaimed_ms)
{
    cf_secrets_t *self = calloc (1, sizeof *self);
    if (self)
        *self = (cf_secrets_t) { .loop = loop, .desk = desk, .unclaimed_ms = unclaimed_ms };
    return self;
}

void
cf_secrets_destroy (cf_secrets_t **self_p)
{
    cf_secrets_t *self = *self_p;
    if (!self)
        return;
    cf_timer_clear (self->loop, &self->look);
    while (self->secrets)
        s_forget (self, self->secrets);
    free (self);
    *self_p = NULL;
}

static secret_t *
s_lookup (const cf_secrets_t *self, const char *job)
{
    secret_t *secret;
    HASH_FIND_STR (self->secrets, job, secret);
    return secret;
}

int
cf_secrets_put (cf_secrets_t *self, const char *job, const char *user, const char *text, cf_error_t *error)
{
    secret_t *secret = s_lookup (self, job);
    if (secret && strcmp (secret->user, user))
        return cf_error_set (error, CF_ERROR_CONFLICT, "the id is taken");
    if (!secret && HASH_COUNT (self->secrets) >= CF_SECRETS_MAX)
        return cf_error_set (error, CF_ERROR_BUSY, "too many secrets are held");
    char *copy = strdup (text);
    if (!copy || (!secret && !(secret = calloc (1, sizeof *secret)))) {
        free (copy);
        return cf_error_set (error, CF_ERROR_BUSY, "out of memory");
    }
    s_forget_text (secret);
    secret->text = copy;
    secret->since_ms = cf_clock_ms ();
    if (*secret->job)
        return 0;
    snprintf (secret->job, sizeof secret->job, "%s", job);
    snprintf (secret->user, sizeof secret->user, "%s", user);
    HASH_ADD_STR (self->secrets, job, secret);
    if (HASH_COUNT (self->secrets) == 1)
        s_look_later (self);
    return 0;
}

const char *
cf_secrets_lookup (const cf_secrets_t *self, const char *job)
{
    const secret_t *secret = s_lookup (self, job);
    return secret? secret->text: NULL;
}

size_t
cf_secrets_count (const cf_secrets_t *self)
{
    return HASH_COUNT (self->secrets);
}
