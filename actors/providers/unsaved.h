/* SPDX-License-Identifier: MPL-2.0 */
/*  unsaved - answers that the journal does not have yet, or that not everybody knows it has, so that no finished call is made again
 *
 *  An answer is known by its job and step. While it is being given, and on its way into the journal, another call for the same step
 *  waits for it; if the journal refuses it, because a newer attempt has taken the job over, it is kept for that
 *  attempt's call: at most 256 answers, 16 MiB, 60 seconds. Once it is in the journal it is kept a little longer for a
 *  caller that read the journal just before: at most 64 answers, 2 MiB, 10 seconds.
 */
#ifndef CF_PROVIDERS_UNSAVED_H
#define CF_PROVIDERS_UNSAVED_H

#include "actors/lib/task.h"

#define CF_UNSAVED_MAX 256
#define CF_UNSAVED_MAX_BYTES (16u << 20)
#define CF_UNSAVED_MAX_MS 60000
#define CF_UNSAVED_SAVED_MAX 64
#define CF_UNSAVED_SAVED_MAX_BYTES (2u << 20)
#define CF_UNSAVED_SAVED_MAX_MS 10000

typedef struct {
    const char *outcome;                /* "complete", "cut_off", "refused": static */
    char *text;                         /* owned */
    const char *provider;               /* static */
    char model [128];
    uint32_t input_tokens, output_tokens, first_token_ms;
    double cost_usd;
    uint64_t started_wall_us;
    char hold [CF_UUID_SIZE];           /* what is reserved for it, "" for nothing; see bill.h */
    uint64_t lost;                      /* millionths of a US dollar that attempts before it are assumed to have cost */
} cf_answer_t;

typedef struct cf_unsaved_t cf_unsaved_t;

/*  What is there for a step: *entry is NULL (nothing), or an answer that is now the caller's: to be put into the journal where
    cf_unsaved_is_saved says no, to be given to who asks, and then to cf_unsaved_end. Waits while another task has it.
    0, or -1 with error when cancelled or overdue. */
int cf_unsaved_take (cf_task_t *task, const char *job, const char *step, cf_unsaved_t **entry, cf_error_t *error);
/*  Says that the caller, who must have found nothing there, is about to get an answer; then enters it (moved in), to be put into the
    journal, or ends with CF_UNSAVED_DROP. */
cf_unsaved_t *cf_unsaved_begin (cf_loop_t *loop, const char *job, const char *step);
void cf_unsaved_enter (cf_unsaved_t *self, cf_answer_t *answer);
const cf_answer_t *cf_unsaved_answer (const cf_unsaved_t *self);
bool cf_unsaved_is_saved (const cf_unsaved_t *self);

typedef enum {
    CF_UNSAVED_SAVED,                   /* the journal has it */
    CF_UNSAVED_KEEP,                    /* it has not, and may take it from another attempt */
    CF_UNSAVED_DROP                     /* nobody will ask for it */
} cf_unsaved_end_t;

/*  The caller, a task, is done with it; those who wait go on. */
void cf_unsaved_end (cf_unsaved_t **self_p, cf_unsaved_end_t end);

/*  Answers kept now that the journal does not have. */
size_t cf_unsaved_count (void);
void cf_unsaved_free (void);
void cf_answer_free (cf_answer_t *answer);

#endif
