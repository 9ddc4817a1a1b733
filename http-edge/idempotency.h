/* SPDX-License-Identifier: MPL-2.0 */
/*  idempotency - a request that is repeated under the same Idempotency-Key is done once and answered twice
 *
 *  Concerns every POST of a user that has a body. The store keeps who claimed a key, and the answer; while the first request
 *  is being worked on, its repetitions wait. Its work is finished even if its client leaves, so that the client finds the answer
 *  when it comes back.
 */
#ifndef CF_EDGE_IDEMPOTENCY_H
#define CF_EDGE_IDEMPOTENCY_H

#include "http-edge/request.h"

#define CF_IDEMPOTENCY_KEY_MAX 255
#define CF_IDEMPOTENCY_WAIT_MS 10000u   /* for the first request's end */

/*  Takes the key of a request that has one: it then runs under it. False after having refused one that is malformed. */
bool cf_idempotency_begin (cf_request_t *request);
void cf_idempotency_destroy (cf_idempotency_t **self_p);

/*  Ends what all handlers under a key wait for, also where the client has left. Their claims are forgotten, and whoever repeats such a request
    goes on with what it has made. */
void cf_idempotency_interrupt_all (cf_error_code_t code);

/*  Whether answers are taken: while the handler works. self may be NULL. */
bool cf_idempotency_takes (const cf_idempotency_t *self);
/*  What the handler answers, which goes to the client after it has been kept. */
void cf_idempotency_take_header (cf_idempotency_t *self, const char *name, const char *value);
void cf_idempotency_take_answer (cf_idempotency_t *self, int status, const char *body, size_t size);
/*  An id that follows from user, key and request. Returns id. */
char *cf_idempotency_id (const cf_idempotency_t *self, char id [CF_UUID_SIZE]);

#endif
