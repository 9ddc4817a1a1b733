/* SPDX-License-Identifier: MPL-2.0 */
/*  bill - what one call of a model may cost and has cost, against the budgets that `jobs` keeps (actors/ledger/budget.h)
 *
 *  Only calls for a job's step are billed, and only while MAX_JOB_COST_USD or MAX_USER_COST_USD_PER_DAY is set: else nothing is asked.
 *  Embeddings belong to no job's step.
 */
#ifndef CF_PROVIDERS_BILL_H
#define CF_PROVIDERS_BILL_H

#include "actors/lib/task.h"
#include "actors/providers/route.h"

#define CF_BILL_FRAME_TOKENS 1000       /* what providers add around a prompt: roles, a tool, their words about its schema */

typedef struct {
    const char *step;                   /* borrowed */
    char hold [CF_UUID_SIZE];           /* the reservation's name, "" where nothing is billed */
    uint64_t lost;                      /* what attempts without an answer are assumed to have cost, in millionths of a US dollar */
    bool open;                          /* `jobs` may hold something for us */
} cf_bill_t;

/*  step is "" for a call of no job. */
void cf_bill_init (cf_bill_t *self, const char *step);
/*  Most that ask can cost on route, in millionths of a US dollar. No tokenizer makes more than one token of a byte, so the bytes of the
    prompt bound its tokens; the answer's are bounded by max_tokens. */
uint64_t cf_bill_most (const cf_route_t *route, const cf_provider_ask_t *ask);
/*  Before each attempt: reserves the most that it can cost, in place of what was reserved before. 0, or -1 with error: BUDGET_EXCEEDED,
    PROVIDER_SETTINGS where there is no most, STALE_ATTEMPT, or why it could not be asked. */
int cf_bill_reserve (cf_bill_t *self, cf_task_t *task, const cf_route_t *route, const cf_provider_ask_t *ask, cf_error_t *error);
/*  The call has ended without an answer: says what it lost, even where the task was cancelled. */
void cf_bill_close (cf_bill_t *self, cf_task_t *task);

#endif
