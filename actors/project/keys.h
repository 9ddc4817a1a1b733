/* SPDX-License-Identifier: MPL-2.0 */
/*  keys - which request answers for an Idempotency-Key, and what it answered
 *
 *  A key belongs to its user. The first request claims it, and settles it with its answer, which everyone gets who comes with
 *  the same key and the same request within a day; an answer that is not to be kept gives the key free. A claim is a lease: who
 *  works on it renews it, and where that was not done for CF_KEYS_CLAIM_SECONDS it may be taken over: whoever held it has died. One that
 *  lives all the same does no harm, since what two holders make has the same ids.
 */
#ifndef CF_PROJECT_KEYS_H
#define CF_PROJECT_KEYS_H

#include "actors/project/tables.h"

#define CF_KEYS_CLAIM_SECONDS 8
#define CF_KEYS_HOURS 24

typedef struct {
    const char *state;                  /* "yours", "answered", "running" or "reused" (by another request) */
    uint32_t status;                    /* of the answer, like the next two; 0, "" where there is none */
    const char *headers, *answer;
} cf_keys_claimed_t;

/*  Claims a key; the same claim may be made again. 0 with *claimed, whose texts live as long as *result (yours to
    cf_db_result_destroy), or -1 with error. */
int cf_keys_claim (cf_tables_t *tables, cf_task_t *task, const char *user, const char *key, const char *hash, const char *claim,
                   cf_keys_claimed_t *claimed, cf_db_result_t **result, cf_error_t *error);
/*  Renews a claim; nothing happens where it is no longer held, or settled. 0, or -1 with error. */
int cf_keys_renew (cf_tables_t *tables, cf_task_t *task, const char *user, const char *key, const char *claim, cf_error_t *error);
/*  Keeps the answer of the one who holds the claim; one that is not 2xx gives the key free. Nothing happens where the claim is no longer held, or
    settled before. 0, or -1 with error. */
int cf_keys_settle (cf_tables_t *tables, cf_task_t *task, const char *user, const char *key, const char *claim, uint32_t status,
                    const char *headers, const char *answer, cf_error_t *error);
/*  Forgets keys of more than hours ago. Rows deleted, at most CF_TABLES_PRUNE_ROWS, or -1 with error. */
int cf_keys_prune (cf_tables_t *tables, cf_task_t *task, uint64_t hours, cf_error_t *error);

#endif
