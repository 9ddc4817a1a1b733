/* SPDX-License-Identifier: MPL-2.0 */
/*  jwks - the public keys that an identity provider signs with (JSON Web Key Set, RFC 7517), by their kid
 *
 *  Owns:       the keys of one URL, ready to verify with; fetched at the start, every ten minutes, and where a kid is unknown, at
 *              most once in 10 s.
 *  If the provider is down: the keys that are known go on; unknown ones stay unknown.
 */
#ifndef CF_EDGE_JWKS_H
#define CF_EDGE_JWKS_H

#include "actors/lib/task.h"
#include "proto/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CF_JWKS_KEYS 64                 /* most of one set */
#define CF_JWKS_KID_MAX 255             /* bytes */
#define CF_JWKS_MAX_BYTES (256u * 1024u)
#define CF_JWKS_WAIT_MS 3000u           /* longest wait for keys */

typedef struct cf_jwks_t cf_jwks_t;
typedef struct cf_jwk_t cf_jwk_t;
typedef enum { CF_JWK_RS256, CF_JWK_ES256 } cf_jwk_algorithm_t;

/*  Keys of url, an http or https one. Nothing is fetched before cf_jwks_start. NULL where the cryptography is not to be had. */
cf_jwks_t *cf_jwks_new (const char *url);
/*  No task may be waiting. */
void cf_jwks_destroy (cf_jwks_t **self_p);
/*  Fetches the keys, now and from time to time, in the loop. 0, or -1 when out of memory. */
int cf_jwks_start (cf_jwks_t *self, cf_loop_t *loop);
/*  Breaks off a fetch; the loop turns until its task has ended. */
void cf_jwks_stop (cf_jwks_t *self);

/*  Replaces all keys by those of a set. Keys of other kinds, uses and algorithms, weak ones and ones without a kid are left out. 0, or
    -1 with error and everything as it was. */
int cf_jwks_load (cf_jwks_t *self, const char *text, size_t size, cf_error_t *error);
size_t cf_jwks_count (const cf_jwks_t *self);
/*  Another number after each cf_jwks_load; 0 before the first. */
uint64_t cf_jwks_version (const cf_jwks_t *self);
/*  The key of that kid and algorithm, borrowed until the loop turns; NULL where there is none. */
cf_jwk_t *cf_jwks_lookup (const cf_jwks_t *self, const char *kid, cf_jwk_algorithm_t algorithm);
/*  Whether signature, as it stands in a JWS (RFC 7518, sections 3.3 and 3.4), is the key's under bytes. */
bool cf_jwk_verify (cf_jwk_t *self, const void *bytes, size_t size, const unsigned char *signature, size_t signature_size);

/*  self may be NULL. Whether waiting could make a key known that is not: a fetch is under way, or one is due. */
bool cf_jwks_can_wait (const cf_jwks_t *self);
/*  Waits for that fetch, in a task: at most CF_JWKS_WAIT_MS. */
void cf_jwks_wait (cf_jwks_t *self, cf_task_t *task);

#endif
