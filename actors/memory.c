/* SPDX-License-Identifier: MPL-2.0 */
/*  memory - patterns that worked before, found by the nearness of their embedding
 *
 *  Owns:       the table pattern_embeddings (actors/recall/), at most PATTERNS_MAX rows of it; the embeddings of the last texts,
 *              which a restart forgets. The model that makes them is the same for a process's whole life.
 *  Answers:    PATTERN_RECALL -> PATTERNS        the nearest, or none: without asking anybody while there are no patterns
 *              PATTERN_STORE  -> PATTERN_KEPT    a pattern is kept once, also where another says the same
 *  Asks:       router (MODEL_EMBED), PostgreSQL.
 *  Stops:      on TERM, when what it has begun is answered.
 *  If it dies: callers ask the next instance again; agents go on without patterns after their time for it is up.
 */

#include "actors/lib/actor.h"
#include "actors/recall/embedding.h"
#include "actors/recall/recall.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"

#include <stdlib.h>
#include <string.h>

#define CF_MEMORY_EMBED_MS 20000u       /* longest wait for an embedding, within the caller's own limit */
#define CF_MEMORY_EMBEDDINGS 256        /* kept, 6 KB and the text each */

typedef struct {
    cf_recall_t *recall;
    cf_embeddings_t *embeddings;
} self_t;

/*  Has the vector made, and keeps it. */
static int
s_make (cf_task_t *task, self_t *self, const char *text, cf_buf_t *out, cf_error_t *error)
{
    cf_model_vector_t *made = cf_call (task, CF_MODEL_EMBED, &(cf_model_embed_t) { .text = text }, CF_MEMORY_EMBED_MS, error);
    if (!made)
        return -1;
    cf_metric_add (CF_METRIC_memory_embeddings_made_total, 1);
    int rc = cf_embedding_print (made->values.bytes, made->values.size, out, error);
    if (rc == 0)
        cf_embeddings_put (self->embeddings, text, strlen (text), made->values.bytes);
    cf_codec_free (&made);
    return rc;
}

/*  Appends the literal of text's vector to out. 0, or -1 with the router's error. */
static int
s_embed (cf_task_t *task, self_t *self, const char *text, cf_buf_t *out, cf_error_t *error)
{
    const void *known;
    cf_embedding_claim_t claim;
    if (cf_embeddings_claim (self->embeddings, task, text, strlen (text), &claim, &known, error))
        return -1;
    if (known) {
        cf_metric_add (CF_METRIC_memory_embeddings_known_total, 1);
        return cf_embedding_print (known, CF_EMBEDDING_BYTES, out, error);
    }
    int rc = s_make (task, self, text, out, error);
    cf_embeddings_release (self->embeddings, &claim);
    return rc;
}

static int
s_find (cf_task_t *task, self_t *self, const cf_pattern_recall_t *ask, const char *text, cf_db_result_t **found, cf_error_t *error)
{
    cf_buf_t vector;
    cf_buf_init (&vector, CF_EMBEDDING_LITERAL_BYTES);
    int rc = s_embed (task, self, text, &vector, error);
    if (rc == 0)
        rc = cf_recall_match (self->recall, task, vector.bytes, ask->count, ask->type, found, error);
    cf_buf_free (&vector);
    return rc;
}

static int
s_keep (cf_task_t *task, self_t *self, const cf_pattern_store_t *ask, const char *text, cf_error_t *error)
{
    cf_buf_t vector;
    cf_buf_init (&vector, CF_EMBEDDING_LITERAL_BYTES);
    const char *metadata = *ask->metadata? ask->metadata: "{}";
    int rc = s_embed (task, self, text, &vector, error);
    if (rc == 0)
        rc = cf_recall_keep (self->recall, task, ask->pattern, ask->type, text, metadata, vector.bytes, error);
    cf_buf_free (&vector);
    return rc;
}

static void
s_on_pattern_recall (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_pattern_recall_t *ask = fields;
    cf_error_t error = { 0 };
    cf_db_result_t *found = NULL;
    bool any = *ask->text && ask->count;
    char *text = strndup (ask->text, cf_embedding_text_size (ask->text));
    if (!text)
        cf_fail_with (task, CF_ERROR_BUSY, "out of memory", "");
    else if (any && (cf_recall_any (self->recall, task, &any, &error) || (any && s_find (task, self, ask, text, &found, &error))))
        cf_fail (task, &error);
    else
        cf_reply (task, &(cf_patterns_t) { .found = found? cf_db_value (found, 0, 0): "[]" });
    cf_db_result_destroy (&found);
    free (text);
}

static void
s_on_pattern_store (cf_task_t *task, const void *fields, void *owner)
{
    self_t *self = owner;
    const cf_pattern_store_t *ask = fields;
    cf_error_t error = { 0 };
    if (!*ask->pattern || !*ask->type || !*ask->text) {
        cf_fail_with (task, CF_ERROR_INVALID, "a pattern has an id, a type and a text", "");
        return;
    }
    char *text = strndup (ask->text, cf_embedding_text_size (ask->text));
    if (!text)
        cf_fail_with (task, CF_ERROR_BUSY, "out of memory", "");
    else if (s_keep (task, self, ask, text, &error))
        cf_fail (task, &error);
    else
        cf_reply (task, &(cf_pattern_kept_t) { 0 });
    free (text);
}

static void
s_on_end (void *arg)
{
    self_t *self = arg;
    cf_recall_destroy (&self->recall);
    cf_embeddings_destroy (&self->embeddings);
}

int
main (void)
{
    static const cf_handler_t handlers [] = {
        { CF_PATTERN_RECALL, s_on_pattern_recall },
        { CF_PATTERN_STORE, s_on_pattern_store }
    };
    self_t self = { 0 };
    cf_error_t error = { 0 };
    cf_actor_t *actor = cf_actor_new (CF_ACTOR_MEMORY, handlers, sizeof handlers / sizeof handlers [0], &self);
    self.embeddings = cf_embeddings_new (CF_MEMORY_EMBEDDINGS);
    if (self.embeddings)
        self.recall = cf_recall_new (cf_actor_loop (actor), cf_config_str (CF_CONFIG_DATABASE_URL), cf_config_u64 (CF_CONFIG_PATTERNS_MAX), &error);
    if (!self.recall) {
        cf_log_error ("cannot start: %s", *error.text? error.text: "out of memory");
        return EXIT_FAILURE;
    }
    cf_actor_on_end (actor, s_on_end, &self);
    cf_actor_ready (actor);
    return cf_actor_run (&actor);
}
