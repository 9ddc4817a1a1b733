/* SPDX-License-Identifier: MPL-2.0 */
/*  serve - calls that come in: one task each, one answer each
 *
 *  A handler runs as a task with the caller's context (job, user, request, trace) and the call's deadline as its limit. It
 *  answers once with cf_reply or cf_fail; if it returns without, the caller gets INTERNAL (or why its task was
 *  cancelled). A call that comes again, after a broker's death, is answered from what the first one gave; one that does not come again
 *  then has nobody who waits for it, and is cancelled.
 */
#ifndef CF_LIB_SERVE_H
#define CF_LIB_SERVE_H

#include "actors/lib/link.h"
#include "actors/lib/task.h"

/*  fields: the decoded request, borrowed until the handler returns. */
typedef void (cf_handler_fn) (cf_task_t *task, const void *fields, void *owner);

typedef struct {
    cf_message_id_t id;
    cf_handler_fn *fn;
} cf_handler_t;

/*  Serves on the process's link. The handlers must be exactly those of the messages that proto/messages.def says actor
    (or every agent, where it is one) handles, unless actor is CF_ACTOR_CALLER; anything else is our own bug and ends the process. */
void cf_serve (cf_actor_id_t actor, const cf_handler_t *handlers, size_t count, void *owner);

/*  Ends the call that this task serves; fields are those of the request's reply message (NULL where it has none). */
void cf_reply (cf_task_t *task, const void *fields);
/*  As cf_reply with the reply message ready made, which is not taken; NULL ends the call as one that is too large to send. */
void cf_reply_body (cf_task_t *task, cf_body_t *body);
void cf_fail (cf_task_t *task, const cf_error_t *error);
/*  As cf_fail with details for the client, JSON text as in the HTTP API. */
void cf_fail_with (cf_task_t *task, cf_error_code_t code, const char *text, const char *details);
/*  Who asked: peer, attempt, deadline … */
const cf_envelope_t *cf_serve_envelope (cf_task_t *task);

/*  Calls being worked on now. */
size_t cf_serve_count (void);
void cf_serve_free (void);

#endif
