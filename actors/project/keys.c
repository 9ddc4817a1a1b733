/* SPDX-License-Identifier: MPL-2.0 */
/*  keys - the statements */

#include "actors/project/keys.h"

#include <stdlib.h>

#define CF_KEYS_ATTEMPTS 3

#define TEXT(number_) TEXT_OF (number_)
#define TEXT_OF(number_) #number_

/*  The row is new, or was given up, or is ours already: yours. Else it is as it was before this statement. */
static const char s_claim_sql [] =
    "with mine as (insert into codeforge.idempotency_keys as k (user_id, key, hash, claim) values ($1, $2, $3, $4)"
    " on conflict (user_id, key) do update set hash = excluded.hash, claim = excluded.claim, created_at = now (), claimed_at = now (),"
    " status = null, headers = null, answer = null"
    " where k.created_at < now () - interval '" TEXT (CF_KEYS_HOURS) " hours'"
    " or (k.status is null and k.hash = excluded.hash"
    " and (k.claim = excluded.claim or k.claimed_at < now () - interval '" TEXT (CF_KEYS_CLAIM_SECONDS) " seconds'))"
    " returning 'yours')"
    " select 'yours', null::integer, null, null from mine union all"
    " select case when k.hash <> $3 then 'reused' when k.status is null then 'running' else 'answered' end, k.status, k.headers, k.answer"
    " from codeforge.idempotency_keys k where k.user_id = $1 and k.key = $2 and not exists (select from mine)";

static const char s_renew_sql [] =
    "update codeforge.idempotency_keys set claimed_at = now () where user_id = $1 and key = $2 and claim = $3 and status is null";

static const char s_settle_sql [] =
    "update codeforge.idempotency_keys set status = $4, headers = $5, answer = $6"
    " where user_id = $1 and key = $2 and claim = $3 and status is null";

static const char s_forget_sql [] =
    "delete from codeforge.idempotency_keys where user_id = $1 and key = $2 and claim = $3 and status is null";

static const char s_prune_sql [] =
    "delete from codeforge.idempotency_keys where ctid = any (array (select ctid from codeforge.idempotency_keys"
    " where created_at < now () - make_interval (hours => $1::integer)" CF_TABLES_PRUNE_LIMIT "))";

static const char *
s_text (const cf_db_result_t *result, size_t column)
{
    const char *text = cf_db_value (result, 0, column);
    return text? text: "";
}

int
cf_keys_claim (cf_tables_t *tables, cf_task_t *task, const char *user, const char *key, const char *hash, const char *claim,
               cf_keys_claimed_t *claimed, cf_db_result_t **result, cf_error_t *error)
{
    for (int attempt = 0; attempt < CF_KEYS_ATTEMPTS; attempt++) {
        if (CF_TABLES_WRITE (tables, task, NULL, result, error, s_claim_sql, user, key, hash, claim))
            return -1;
        if (cf_db_rows (*result)) {
            *claimed = (cf_keys_claimed_t) {
                .state = s_text (*result, 0), .status = (uint32_t) strtoul (s_text (*result, 1), NULL, 10),
                .headers = s_text (*result, 2), .answer = s_text (*result, 3)
            };
            return 0;
        }
        cf_db_result_destroy (result);  /* somebody else's row came or went while the statement ran: it is seen by the next */
    }
    return cf_error_set (error, CF_ERROR_OVERLOADED, "the idempotency key is in dispute");
}

int
cf_keys_renew (cf_tables_t *tables, cf_task_t *task, const char *user, const char *key, const char *claim, cf_error_t *error)
{
    return CF_TABLES_WRITE (tables, task, NULL, NULL, error, s_renew_sql, user, key, claim);
}

int
cf_keys_settle (cf_tables_t *tables, cf_task_t *task, const char *user, const char *key, const char *claim, uint32_t status,
                const char *headers, const char *answer, cf_error_t *error)
{
    cf_tables_number_t number;
    if (status < 200 || status > 299)
        return CF_TABLES_WRITE (tables, task, NULL, NULL, error, s_forget_sql, user, key, claim);
    return CF_TABLES_WRITE (tables, task, NULL, NULL, error, s_settle_sql, user, key, claim, cf_tables_number (&number, status),
                            headers, answer);
}

int
cf_keys_prune (cf_tables_t *tables, cf_task_t *task, uint64_t hours, cf_error_t *error)
{
    return cf_tables_prune (tables, task, s_prune_sql, hours, error);
}
