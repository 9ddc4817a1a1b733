/* SPDX-License-Identifier: MPL-2.0 */
/*  token - base64url (RFC 4648, section 5, without padding) of head and claims, signed with OpenSSL's HMAC */

#include "ops/supervisor/token.h"
#include "ops/supervisor/home.h"
#include "proto/base/config.h"
#include "proto/base/json.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_FILE "secrets/jwt"
#define USER_FILE "secrets/dev-user"

#define CF_TOKEN_SECRET_LEAST 16        /* as SUPABASE_JWT_SECRET's row says */

int
cf_token_secret (char secret [CF_TOKEN_SECRET_SIZE], cf_error_t *error)
{
    if (cf_config_is_set (CF_CONFIG_SUPABASE_JWT_SECRET)) {
        snprintf (secret, CF_TOKEN_SECRET_SIZE, "%s", cf_config_str (CF_CONFIG_SUPABASE_JWT_SECRET));
        return 0;
    }
    const char *path = cf_config_home (SECRET_FILE);
    if (cf_home_read_line (SECRET_FILE, secret, CF_TOKEN_SECRET_SIZE))
        return cf_error_set (error, errno == ENOENT? CF_ERROR_NOT_FOUND: CF_ERROR_INTERNAL, "%s: %s. It is made by the first "
                             "`codeforge up`; or set SUPABASE_JWT_SECRET.", path, strerror (errno));
    if (strlen (secret) < CF_TOKEN_SECRET_LEAST)
        return cf_error_set (error, CF_ERROR_INVALID, "%s is damaged. Remove it: the next `codeforge up` makes another.", path);
    return 0;
}

int
cf_token_ensure_secret (cf_error_t *error)
{
    char secret [CF_TOKEN_SECRET_SIZE];
    cf_error_t missing = { 0 };
    if (cf_token_secret (secret, &missing)) {
        if (missing.code != CF_ERROR_NOT_FOUND) {
            *error = missing;
            return -1;
        }
        uint8_t random [32];
        cf_uuid_random (random, sizeof random);
        for (size_t at = 0; at < sizeof random; at++)
            snprintf (secret + 2 * at, 3, "%02x", random [at]);
        const char *path = cf_config_home (SECRET_FILE);
        if (cf_home_write_line (SECRET_FILE, secret))
            return cf_error_set (error, CF_ERROR_INTERNAL, "cannot write %s: %s.", path, strerror (errno));
    }
    return cf_config_set (CF_CONFIG_SUPABASE_JWT_SECRET, secret);
}

int
cf_token_user (char user [CF_UUID_SIZE], cf_error_t *error)
{
    char text [64];
    const char *path = cf_config_home (USER_FILE);
    if (cf_home_read_line (USER_FILE, text, sizeof text) == 0 && cf_uuid_parse (text, user))
        return 0;
    if (cf_home_write_line (USER_FILE, cf_uuid_new (user)))
        return cf_error_set (error, CF_ERROR_INTERNAL, "cannot write %s: %s. Name a user with --user, or start CodeForge first.",
                             path, strerror (errno));
    return 0;
}

static int
s_put_base64url (cf_buf_t *out, const void *bytes, size_t size)
{
    size_t length = (size + 2) / 3 * 4;
    char *at = cf_buf_reserve (out, length);
    if (!at)
        return -1;
    EVP_EncodeBlock ((unsigned char *) at, bytes, (int) size);
    while (length && at [length - 1] == '=')
        length--;
    for (size_t place = 0; place < length; place++)
        at [place] = at [place] == '+'? '-': at [place] == '/'? '_': at [place];
    out->size += length;
    out->bytes [out->size] = 0;
    return 0;
}

int
cf_token_sign (const cf_token_claims_t *claims, const char *secret, cf_buf_t *out, cf_error_t *error)
{
    static const char head [] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    uint8_t signature [EVP_MAX_MD_SIZE];
    unsigned signature_size = 0;
    size_t start = out->size;
    cf_json_t *payload = json_pack ("{s:s, s:s, s:s, s:s, s:I, s:I, s:s*}", "iss", "codeforge", "sub", claims->user,
                                    "aud", "authenticated", "role", claims->role,
                                    "iat", (json_int_t) claims->issued_s, "exp", (json_int_t) (claims->issued_s + claims->ttl_s),
                                    "email", claims->email);
    char *text = payload? cf_json_print (payload): NULL;
    int result = !text || s_put_base64url (out, head, sizeof head - 1) || cf_buf_putc (out, '.')
                 || s_put_base64url (out, text, strlen (text))
                 || !HMAC (EVP_sha256 (), secret, (int) strlen (secret), (uint8_t *) out->bytes + start, out->size - start,
                           signature, &signature_size)
                 || cf_buf_putc (out, '.') || s_put_base64url (out, signature, signature_size)? -1: 0;
    free (text);
    json_decref (payload);
    return result? cf_error_set (error, CF_ERROR_INVALID, "the claims cannot be written as a token"): 0;
}
