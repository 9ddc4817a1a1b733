/* SPDX-License-Identifier: MPL-2.0 */
/*  recall - the statements */

#include "actors/recall/recall.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_RECALL_CONNECTIONS 2
#define CF_RECALL_PATIENCE_MS 1500      /* callers rather go on without patterns */

struct cf_recall_t {
    cf_db_t *db;
    char most [24];                     /* patterns that there may be, as text */
    unsigned untrimmed;                 /* kept since it was last looked how many there are */
    bool any;
    uint64_t empty_until_ms;            /* monotonic; 0: not known */
};

static const char s_any_sql [] = "select from public.pattern_embeddings limit 1";

/*  NaN counts as greater than every number. */
static const char s_match_sql [] =
    "select coalesce (json_agg (r), '[]') from (select content, metadata, round (least (similarity, 1)::numeric, 4) as similarity"
    " from public.match_patterns ($1, $2::integer, nullif ($3::text, ''))"
    " where similarity >= $4::double precision and similarity <> 'NaN' order by similarity desc) r";

static const char s_keep_sql [] = "select codeforge.keep_pattern ($1, $2, $3, $4, $5, $6, $7)";

cf_recall_t *
cf_recall_new (cf_loop_t *loop, const char *url, uint64_t most, cf_error_t *error)
{
    cf_recall_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    self->db = cf_db_new (loop, url, CF_RECALL_CONNECTIONS, error);
    if (!self->db) {
        free (self);
        return NULL;
    }
    cf_db_set_patience (self->db, CF_RECALL_PATIENCE_MS);
    snprintf (self->most, sizeof self->most, "%" PRIu64, most);
    return self;
}

void
cf_recall_destroy (cf_recall_t **self_p)
{
    cf_recall_t *self = *self_p;
    if (!self)
        return;
    cf_db_destroy (&self->db);
    free (self);
    *self_p = NULL;
}

int
cf_recall_any (cf_recall_t *self, cf_task_t *task, bool *any, cf_error_t *error)
{
    *any = self->any;
    if (self->any || cf_clock_ms () < self->empty_until_ms)
        return 0;
    cf_db_result_t *result;
    if (cf_db_ask (task, self->db, &result, error, s_any_sql))
        return -1;
    if (cf_db_rows (result))
        self->any = true;
    else if (!self->any)                /* none was kept meanwhile */
        self->empty_until_ms = cf_clock_ms () + CF_RECALL_EMPTY_MS;
    cf_db_result_destroy (&result);
    *any = self->any;
    return 0;
}

int
cf_recall_match (cf_recall_t *self, cf_task_t *task, const char *vector, uint32_t count, const char *type,
                 cf_db_result_t **result, cf_error_t *error)
{
    char most [16], least [16];
    snprintf (most, sizeof most, "%u", count < CF_RECALL_MOST? count: CF_RECALL_MOST);
    snprintf (least, sizeof least, "%g", CF_RECALL_LEAST_SIMILARITY);
    return cf_db_ask (task, self->db, result, error, s_match_sql, vector, most, type, least);
}

int
cf_recall_keep (cf_recall_t *self, cf_task_t *task, const char *id, const char *type, const char *content,
                const char *metadata, const char *vector, cf_error_t *error)
{
    cf_json_t *document = cf_json_parse (metadata, strlen (metadata), error);
    bool is_object = json_is_object (document);
    json_decref (document);
    if (!is_object)
        return cf_error_set (error, CF_ERROR_INVALID, "a pattern's metadata must be an object");
    char same [16];
    snprintf (same, sizeof same, "%g", CF_RECALL_SAME_SIMILARITY);
    const char *most = self->untrimmed++ % CF_RECALL_TRIM_EVERY? NULL: self->most;
    if (cf_db_ask (task, self->db, NULL, error, s_keep_sql, id, type, content, metadata, vector, same, most))
        return -1;
    self->any = true;
    return 0;
}
