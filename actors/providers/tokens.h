/* SPDX-License-Identifier: MPL-2.0 */
/*  tokens - what a model says, shown to watchers as it arrives: one event per network read, none while nobody listens
 */
#ifndef CF_PROVIDERS_TOKENS_H
#define CF_PROVIDERS_TOKENS_H

#include "proto/base/buf.h"
#include "proto/base/uuid.h"

/*  The stream of one call. */
typedef struct {
    char job [CF_UUID_SIZE];            /* "": nobody can watch */
    const char *stage;                  /* borrowed */
    size_t shown;                       /* bytes of the output that watchers have */
    bool watched;                       /* they have all up to there */
} cf_tokens_t;

/*  Begins to hear from the broker whose tokens are wanted, on the process's link. */
void cf_tokens_listen (void);
void cf_tokens_free (void);
bool cf_tokens_wanted (const char *job);

void cf_tokens_init (cf_tokens_t *self, const char *job, const char *stage);
/*  Shows what text has beyond what was shown; to watchers who have just come, all of it. */
void cf_tokens_show (cf_tokens_t *self, const cf_buf_t *text);
/*  The output starts again: what was shown is to be forgotten. */
void cf_tokens_restart (cf_tokens_t *self);

#endif
