/* SPDX-License-Identifier: MPL-2.0 */
/*  tokens - what the edge takes to verify a bearer token: one that it has never seen, and one that it has
 *
 *  No HTTP: the edge's own code in this process, with keys made here. Beside it what OpenSSL takes for the signature alone: the floor.
 */

#include "http-edge/auth.h"
#include "http-edge/base64url.h"
#include "ops/bench/commands.h"
#include "ops/bench/samples.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOW_S 1800000000u
#define SIGNATURE_MAX 512
#define EC_BYTES 32                     /* of one coordinate, and of either half of a signature, P-256 */
#define WARM_UP 100                     /* not counted */

typedef struct {
    char *text;
    size_t size, signed_size;
    unsigned char signature [SIGNATURE_MAX];    /* as OpenSSL wants it */
    size_t signature_size;
} token_t;

/* ---- keys ---- */

static void
s_put_number (EVP_PKEY *key, const char *name, int bytes, const char *member, cf_buf_t *out)
{
    BIGNUM *number = NULL;
    unsigned char raw [SIGNATURE_MAX];
    EVP_PKEY_get_bn_param (key, name, &number);
    int size = bytes? BN_bn2binpad (number, raw, bytes): BN_bn2bin (number, raw);
    BN_free (number);
    cf_buf_printf (out, ",\"%s\":\"", member);
    cf_base64url_encode (raw, (size_t) size, out);
    cf_buf_putc (out, '"');
}

/*  The key set of both (RFC 7518, section 6). */
static int
s_load (cf_jwks_t *jwks, EVP_PKEY *ec, EVP_PKEY *rsa, cf_error_t *error)
{
    cf_buf_t set;
    cf_buf_init (&set, 8192);
    cf_buf_puts (&set, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"ES256\"");
    s_put_number (ec, OSSL_PKEY_PARAM_EC_PUB_X, EC_BYTES, "x", &set);
    s_put_number (ec, OSSL_PKEY_PARAM_EC_PUB_Y, EC_BYTES, "y", &set);
    cf_buf_puts (&set, "},{\"kty\":\"RSA\",\"kid\":\"RS256\"");
    s_put_number (rsa, OSSL_PKEY_PARAM_RSA_N, 0, "n", &set);
    s_put_number (rsa, OSSL_PKEY_PARAM_RSA_E, 0, "e", &set);
    cf_buf_puts (&set, "}]}");
    int rc = cf_jwks_load (jwks, set.bytes, set.size, error);
    cf_buf_free (&set);
    return rc || cf_jwks_count (jwks) == 2? rc: cf_error_set (error, CF_ERROR_INTERNAL, "the key set was not taken");
}

/* ---- tokens ---- */

/*  Appends the signature as a JWS has it: that of an EC key is r and s, not DER (RFC 7518, section 3.4). */
static int
s_put_signature (EVP_PKEY *key, const token_t *token, cf_buf_t *out)
{
    unsigned char raw [2 * EC_BYTES];
    const unsigned char *at = token->signature;
    if (EVP_PKEY_get_base_id (key) == EVP_PKEY_RSA)
        return cf_base64url_encode (token->signature, token->signature_size, out);
    ECDSA_SIG *parts = d2i_ECDSA_SIG (NULL, &at, (long) token->signature_size);
    int rc = parts && BN_bn2binpad (ECDSA_SIG_get0_r (parts), raw, EC_BYTES) == EC_BYTES
        && BN_bn2binpad (ECDSA_SIG_get0_s (parts), raw + EC_BYTES, EC_BYTES) == EC_BYTES? cf_base64url_encode (raw, sizeof raw, out): -1;
    ECDSA_SIG_free (parts);
    return rc;
}

/*  A token for user number at, with the claims that Supabase Auth puts into one. 0, or -1. */
static int
s_make (token_t *token, EVP_PKEY *key, const char *algorithm, uint64_t at)
{
    char head [128], claims [1024];
    cf_buf_t out;
    cf_buf_init (&out, CF_AUTH_TOKEN_MAX);
    int head_size = snprintf (head, sizeof head, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", algorithm, algorithm);
    int size = snprintf (claims, sizeof claims,
                         "{\"iss\":\"https://example.supabase.co/auth/v1\",\"sub\":\"3f0e8a52-5f0c-4b1e-9c7d-%012llx\",\"aud\":\"authenticated\","
                         "\"exp\":%u,\"iat\":%u,\"email\":\"someone@example.com\",\"phone\":\"\",\"app_metadata\":{\"provider\":\"email\"},"
                         "\"user_metadata\":{},\"role\":\"authenticated\",\"aal\":\"aal1\",\"session_id\":\"3f0e8a52-5f0c-4b1e-9c7d-%012llx\"}",
                         (unsigned long long) at, NOW_S + 3600, NOW_S, (unsigned long long) at);
    cf_base64url_encode (head, (size_t) head_size, &out);
    cf_buf_putc (&out, '.');
    cf_base64url_encode (claims, (size_t) size, &out);
    token->signed_size = out.size;
    token->signature_size = sizeof token->signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new ();
    int rc = context && EVP_DigestSignInit (context, NULL, EVP_sha256 (), NULL, key) == 1
        && EVP_DigestSign (context, token->signature, &token->signature_size, (const unsigned char *) out.bytes, out.size) == 1? 0: -1;
    EVP_MD_CTX_free (context);
    rc = rc || cf_buf_putc (&out, '.') || s_put_signature (key, token, &out)? -1: 0;
    token->size = out.size;
    token->text = cf_buf_take (&out);
    return rc;
}

/* ---- the run ---- */

static uint64_t
s_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

static bool
s_verify (cf_auth_t *auth, const token_t *token)
{
    cf_auth_claims_t claims;
    cf_error_t error;
    return cf_auth_verify (auth, CF_AUTH_API, token->text, token->size, NOW_S, &claims, &error) == 0;
}

static bool
s_verify_alone (EVP_PKEY *key, const token_t *token)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new ();
    bool good = EVP_DigestVerifyInit (context, NULL, EVP_sha256 (), NULL, key) == 1
        && EVP_DigestVerify (context, token->signature, token->signature_size, (const unsigned char *) token->text, token->signed_size) == 1;
    EVP_MD_CTX_free (context);
    return good;
}

/*  The median and the 99th percentile of nanoseconds. */
static void
s_figure (const char *algorithm, const char *what, cf_samples_t *samples)
{
    char full [64];
    snprintf (full, sizeof full, "token_%s_%s_p50", algorithm, what);
    cf_figure (full, (double) cf_samples_quantile (samples, 0.5) / 1000, "us");
    snprintf (full, sizeof full, "token_%s_%s_p99", algorithm, what);
    cf_figure (full, (double) cf_samples_quantile (samples, 0.99) / 1000, "us");
    cf_samples_free (samples);
}

/*  0, or -1 where a token could not be made or was refused. */
static int
s_measure (cf_auth_t *auth, EVP_PKEY *key, const char *algorithm, uint64_t count)
{
    cf_samples_t first, again, alone;
    int rc = 0;
    cf_samples_init (&first, count);
    cf_samples_init (&again, count);
    cf_samples_init (&alone, count);
    for (uint64_t at = 0; at < count + WARM_UP && rc == 0; at++) {
        token_t token = { 0 };
        rc = s_make (&token, key, algorithm, at);
        uint64_t began_ns = s_now_ns ();
        bool good = rc == 0 && s_verify (auth, &token);
        uint64_t once_ns = s_now_ns ();
        good = good && s_verify (auth, &token);
        uint64_t twice_ns = s_now_ns ();
        good = good && s_verify_alone (key, &token);
        uint64_t alone_ns = s_now_ns ();
        if (at >= WARM_UP) {
            cf_samples_add (&first, once_ns - began_ns);
            cf_samples_add (&again, twice_ns - once_ns);
            cf_samples_add (&alone, alone_ns - twice_ns);
        }
        rc = good? 0: -1;
        free (token.text);
    }
    s_figure (algorithm, "first", &first);
    s_figure (algorithm, "again", &again);
    s_figure (algorithm, "openssl", &alone);
    return rc;
}

int
cf_load_tokens (const cf_load_options_t *options)
{
    cf_error_t error = { 0 };
    EVP_PKEY *ec = EVP_PKEY_Q_keygen (NULL, NULL, "EC", "P-256"), *rsa = EVP_PKEY_Q_keygen (NULL, NULL, "RSA", (size_t) 2048);
    cf_jwks_t *jwks = cf_jwks_new ("http://127.0.0.1/");         /* never fetched */
    cf_auth_t *auth = jwks? cf_auth_new ("", "a secret that signs nothing", jwks, &error): NULL;
    int rc = !ec || !rsa || !auth || s_load (jwks, ec, rsa, &error)? -1: 0;
    rc = rc || s_measure (auth, ec, "ES256", options->count) || s_measure (auth, rsa, "RS256", options->count);
    if (rc)
        fprintf (stderr, "a token could not be made or was refused: %s\n", error.text);
    cf_auth_destroy (&auth);
    cf_jwks_destroy (&jwks);
    EVP_PKEY_free (ec);
    EVP_PKEY_free (rsa);
    return rc? 1: 0;
}
