/* SPDX-License-Identifier: MPL-2.0 */
/*  auth - who is asking: JSON Web Tokens (RFC 7519) signed with HS256, as Supabase Auth issues them
 *
 *  Two kinds that are never taken for each other, each with its own key and audience:
 *      API      aud "authenticated", signed with SUPABASE_JWT_SECRET, in the Authorization header
 *      STREAM   aud "stream", for one job's events, made here, signed with a key derived from the secret, in the URL
 */
#ifndef CF_EDGE_AUTH_H
#define CF_EDGE_AUTH_H

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
} cf_auth_claims_t;

/*  NULL with error where the cryptography is not to be had. */
cf_auth_t *cf_auth_new (const char *secret, cf_error_t *error);
void cf_auth_destroy (cf_auth_t **self_p);

/*  Verifies a token at now_s (Unix time). 0, or -1 with UNAUTHENTICATED (or FORBIDDEN for another role); the text is for
    the log. */
int cf_auth_verify (cf_auth_t *self, cf_auth_kind_t kind, const char *token, size_t size, uint64_t now_s,
                    cf_auth_claims_t *claims, cf_error_t *error);
/*  Appends a STREAM token for user and job that is good for ttl_s. 0, or -1. */
int cf_auth_sign_stream (cf_auth_t *self, const char *user, const char *job, uint64_t now_s, uint64_t ttl_s, cf_buf_t *out);

/*  The token of an Authorization header's value, where its scheme is Bearer; else NULL. */
const char *cf_auth_bearer (const char *header, size_t size, size_t *token_size);

#endif
