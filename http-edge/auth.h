/* SPDX-License-Identifier: MPL-2.0 */
/*  auth - who is asking: JSON Web Tokens (RFC 7519), as Supabase Auth issues them
 *
 *  Two kinds that are never taken for each other, each with its own keys and audience:
 *      API      aud "authenticated", in the Authorization header; signed HS256 with SUPABASE_JWT_SECRET, or RS256 or ES256 with
 *               the key of the key set that its kid names
 *      STREAM   aud "stream", for one job's events, in the URL; made here, HS256 with a key that is derived from a secret
 */
#ifndef CF_EDGE_AUTH_H
#define CF_EDGE_AUTH_H

#include "http-edge/jwks.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/uuid.h"

#include <stdint.h>

#define CF_AUTH_TOKEN_MAX 8192          /* bytes of a token */
#define CF_AUTH_LEEWAY_S 10             /* by which clocks may differ */

typedef struct cf_auth_t cf_auth_t;
typedef enum { CF_AUTH_API, CF_AUTH_STREAM, CF_AUTH_KINDS } cf_auth_kind_t;

typedef struct {
    char user [CF_UUID_SIZE];           /* sub, lower case */
    char job [CF_UUID_SIZE];            /* of a STREAM token, else "" */
    bool key_unknown;                   /* refused because its key is not in the key set, which may yet have it */
} cf_auth_claims_t;

/*  secret: of HS256; "" refuses those tokens. stream_secret: what the key of STREAM tokens is derived from. jwks: borrowed; NULL refuses
    RS256 and ES256. NULL with error where the cryptography is not to be had. */
cf_auth_t *cf_auth_new (const char *secret, const char *stream_secret, cf_jwks_t *jwks, cf_error_t *error);
void cf_auth_destroy (cf_auth_t **self_p);

/*  Verifies a token at now_s (Unix time). 0, or -1 with UNAUTHENTICATED (or FORBIDDEN for another role); the text is for
    the log. */
int cf_auth_verify (cf_auth_t *self, cf_auth_kind_t kind, const char *text, size_t size, uint64_t now_s,
                    cf_auth_claims_t *claims, cf_error_t *error);
/*  Appends a STREAM token for user and job that is good for ttl_s. 0, or -1. */
int cf_auth_sign_stream (cf_auth_t *self, const char *user, const char *job, uint64_t now_s, uint64_t ttl_s, cf_buf_t *out);

/*  The token of an Authorization header's value, where its scheme is Bearer; else NULL. */
const char *cf_auth_bearer (const char *header, size_t size, size_t *token_size);

#endif
