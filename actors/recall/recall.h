/* SPDX-License-Identifier: MPL-2.0 */
/*  recall - patterns in PostgreSQL: every statement that reads or writes them
 *
 *  Vectors are pgvector literals (actors/recall/embedding.h). Their type is never named: it may be in a schema that is not in the
 *  search path; columns and function parameters know it.
 */
#ifndef CF_RECALL_RECALL_H
#define CF_RECALL_RECALL_H

#include "actors/lib/db.h"

#define CF_RECALL_MOST 20               /* patterns at once */
#define CF_RECALL_LEAST_SIMILARITY 0.2  /* what is less alike than that helps nobody */
#define CF_RECALL_SAME_SIMILARITY 0.98  /* what is more alike is the same thing said again */
#define CF_RECALL_EMPTY_MS 5000         /* how long "there are none" is believed */
#define CF_RECALL_TRIM_EVERY 256        /* patterns kept between two looks at how many there are */

typedef struct cf_recall_t cf_recall_t;

/*  Begins to connect. At most about `most` patterns are kept. NULL with error. */
cf_recall_t *cf_recall_new (cf_loop_t *loop, const char *url, uint64_t most, cf_error_t *error);
void cf_recall_destroy (cf_recall_t **self_p);

/*  Whether there is any pattern at all. Rarely asks the database: once there was one it is yes for good, and a no is believed
    for CF_RECALL_EMPTY_MS. 0, or -1 with error. */
int cf_recall_any (cf_recall_t *self, cf_task_t *task, bool *any, cf_error_t *error);
/*  The nearest count (at most CF_RECALL_MOST) patterns of a type ("": any) that are not too unlike. 0 with *result, yours to
    destroy, whose one value is [{content, metadata, similarity}], nearest first; -1 with error. */
int cf_recall_match (cf_recall_t *self, cf_task_t *task, const char *vector, uint32_t count, const char *type,
                     cf_db_result_t **result, cf_error_t *error);
/*  Keeps a pattern, once where it is asked twice. One of its type that is the same (CF_RECALL_SAME_SIMILARITY) stands for it, in the words of the one whose metadata has the higher score. Beyond the most that
    there may be, at the first and then every CF_RECALL_TRIM_EVERY times, those go that were kept longest ago. 0, or -1 with INVALID
    (metadata is no object) or the database's error. */
int cf_recall_keep (cf_recall_t *self, cf_task_t *task, const char *id, const char *type, const char *content,
                    const char *metadata, const char *vector, cf_error_t *error);

#endif
