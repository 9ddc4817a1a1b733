/* SPDX-License-Identifier: MPL-2.0 */
/*  token - the development secret, and the tokens signed with it (RFC 7519, HS256)
 *
 *  With no SUPABASE_JWT_SECRET a random one of 256 bits is made on the first start and kept in HOME/secrets/jwt
 *  (0600); the edge receives it as if it had been set.
 */
#ifndef CF_SUPERVISOR_TOKEN_H
#define CF_SUPERVISOR_TOKEN_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/uuid.h"

#include <stdint.h>

#define CF_TOKEN_SECRET_SIZE 513        /* longest SUPABASE_JWT_SECRET and its NUL */

/*  Makes sure that SUPABASE_JWT_SECRET has a value, making and keeping one where needed. 0, or -1. */
int cf_token_ensure_secret (cf_error_t *error);
/*  The secret: the setting, else HOME/secrets/jwt. 0, or -1 with a sentence. */
int cf_token_secret (char secret [CF_TOKEN_SECRET_SIZE], cf_error_t *error);
/*  The user that commands act as, kept in HOME/secrets/dev-user from its first use on. 0, or -1. */
int cf_token_user (char user [CF_UUID_SIZE], cf_error_t *error);

typedef struct {
    const char *user;           /* sub */
    const char *email;          /* or NULL */
    const char *role;           /* "authenticated" */
    uint64_t issued_s;          /* iat, Unix time */
    uint64_t ttl_s;             /* exp - iat */
} cf_token_claims_t;

/*  Appends the token. 0, or -1 with error. */
int cf_token_sign (const cf_token_claims_t *claims, const char *secret, cf_buf_t *out, cf_error_t *error);

#endif
