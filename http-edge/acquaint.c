/* SPDX-License-Identifier: MPL-2.0 */
/*  acquaint - a bounded set of users, the longest known forgotten first */

#include "http-edge/acquaint.h"
#include "actors/lib/call.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CF_ACQUAINT_MAX 8192            /* users remembered by a process */
#define CF_ACQUAINT_MS 5000             /* for the store to answer */

typedef struct {
    UT_hash_handle hh;
    char user [CF_UUID_SIZE];
} known_t;

static known_t *s_known;                /* in the order of their coming */

static known_t *
s_lookup (const char *user)
{
    known_t *known;
    HASH_FIND_STR (s_known, user, known);
    return known;
}

static void
s_forget (known_t *known)
{
    if (!known)
        return;
    HASH_DEL (s_known, known);
    free (known);
}

static void
s_greet (cf_task_t *task, void *arg)
{
    (void) arg;
    char user [CF_UUID_SIZE];
    memcpy (user, cf_task_context (task)->user, sizeof user);
    cf_project_shown_t *profile = cf_call (task, CF_PROFILE_READ, &(cf_profile_read_t) { .user = user }, CF_ACQUAINT_MS, NULL);
    if (!profile)
        s_forget (s_lookup (user));
    cf_codec_free (&profile);
}

void
cf_acquaint (cf_loop_t *loop, const char *user)
{
    if (!*user || s_lookup (user))
        return;
    known_t *known = calloc (1, sizeof *known);
    if (!known)
        return;
    memcpy (known->user, user, sizeof known->user);
    if (HASH_COUNT (s_known) >= CF_ACQUAINT_MAX)
        s_forget (s_known);
    HASH_ADD_STR (s_known, user, known);
    cf_task_context_t context = { .priority = 0 };
    memcpy (context.user, user, sizeof context.user);
    if (!cf_task_start (loop, s_greet, NULL, &context))
        s_forget (s_lookup (user));
}

void
cf_acquaint_free (void)
{
    while (s_known)
        s_forget (s_known);
}
