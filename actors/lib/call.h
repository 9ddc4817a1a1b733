/* SPDX-License-Identifier: MPL-2.0 */
/*  call - ask another actor and wait for the answer, from a task
 *
 *  A call always ends: with the reply, with the callee's error, or with the bus's. An actor that dies meanwhile
 *  (ACTOR_GONE, NO_ACTOR) is asked again after a short pause, until the time is up: every request is safe to repeat.
 *  A broker that dies meanwhile is not noticed: the call is sent again with its old number. A cancelled task takes its call
 *  back, down to whoever works on it, and makes no further one.
 */
#ifndef CF_LIB_CALL_H
#define CF_LIB_CALL_H

#include "actors/lib/link.h"
#include "actors/lib/task.h"
#include "proto/codec.h"

/*  Sends message id with fields to the service that handles it (proto/messages.def). Returns the fields of the reply, yours to
    cf_codec_free; NULL with error. timeout_ms is shortened to what is left of the task's own limit. The task's context goes along. */
void *cf_call (cf_task_t *task, cf_message_id_t id, const void *fields, uint32_t timeout_ms, cf_error_t *error);
/*  The same to a named service or peer. */
void *cf_call_to (cf_task_t *task, const char *to, cf_message_id_t id, const void *fields, uint32_t timeout_ms, cf_error_t *error);
/*  The same, but an actor that dies is not asked again. */
void *cf_call_once (cf_task_t *task, const char *to, cf_message_id_t id, const void *fields, uint32_t timeout_ms, cf_error_t *error);
/*  The same as cf_call, but asks again on every retryable error (the database being down, too) until the time is up. */
void *cf_call_patiently (cf_task_t *task, cf_message_id_t id, const void *fields, uint32_t timeout_ms, cf_error_t *error);

/*  The details (JSON text, or "") that came with the last failed call of this process; valid until the next one fails. */
const char *cf_call_details (void);
/*  Calls open now. */
size_t cf_call_count (void);

#endif
