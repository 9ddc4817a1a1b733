/* SPDX-License-Identifier: MPL-2.0 */
/*  auth - the algorithm chooses the kind of key before anything else is believed; the signature is compared in constant time
 *  before the claims are read; what was right of a whole token is remembered by its digest, its times are judged each time
 */

#include "http-edge/auth.h"
#include "http-edge/base64url.h"
#include "proto/base/json.h"

#include <float.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGEST_SIZE 32
#define SEEN 4096                       /* tokens remembered: clients send one for an hour, and ES256 costs 50 us, claims 5 */
#define STREAM_KEY_LABEL "codeforge stream token 1"

/*  When a token is good, Unix time. */
typedef struct {
    double expires, begins;
} span_t;

/*  An API token that was right but for the time, under a version of the key set. */
typedef struct {
    unsigned char digest [DIGEST_SIZE];
    uint64_t version;
    span_t span;
    char user [CF_UUID_SIZE];
} seen_t;

struct cf_auth_t {
    EVP_MAC *mac;
    EVP_MAC_CTX *contexts [CF_AUTH_KINDS];      /* keyed once, used for every token; NULL: no token is signed so */
    cf_jwks_t *jwks;                            /* or NULL */
    EVP_MD *sha256;
    seen_t seen [SEEN];                         /* by the digest's first bytes; the last one stays */
};

/*  A token's three parts, and what its head says. */
typedef struct {
    const char *text;                   /* signed_size bytes of it are signed */
    size_t signed_size;
    const char *claims, *signature;
    size_t claims_size, signature_size;
    char kid [CF_JWKS_KID_MAX + 1];     /* "": none */
    enum { HS256, RS256, ES256 } algorithm;
} token_t;

static const char *const s_audiences [CF_AUTH_KINDS] = { "authenticated", "stream" };

/* ---- signatures ---- */

static EVP_MAC_CTX *
s_keyed (EVP_MAC *mac, const void *key, size_t size)
{
    char digest [] = "SHA256";
    OSSL_PARAM params [] = { OSSL_PARAM_construct_utf8_string (OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end () };
    EVP_MAC_CTX *context = EVP_MAC_CTX_new (mac);
    if (context && EVP_MAC_init (context, key, size, params))
        return context;
    EVP_MAC_CTX_free (context);
    return NULL;
}

static int
s_sign (EVP_MAC_CTX *context, const void *bytes, size_t size, unsigned char out [DIGEST_SIZE])
{
    size_t filled = 0;
    /* without a key it begins anew with the one it has */
    return EVP_MAC_init (context, NULL, 0, NULL) && EVP_MAC_update (context, bytes, size)
        && EVP_MAC_final (context, out, &filled, DIGEST_SIZE) && filled == DIGEST_SIZE? 0: -1;
}

cf_auth_t *
cf_auth_new (const char *secret, const char *stream_secret, cf_jwks_t *jwks, cf_error_t *error)
{
    unsigned char derived [DIGEST_SIZE];
    cf_auth_t *self = calloc (1, sizeof *self);
    EVP_MAC_CTX *label = NULL;
    if (self && (self->mac = EVP_MAC_fetch (NULL, "HMAC", NULL)) && (self->sha256 = EVP_MD_fetch (NULL, "SHA256", NULL))
        && (label = s_keyed (self->mac, stream_secret, strlen (stream_secret)))
        && (!*secret || (self->contexts [CF_AUTH_API] = s_keyed (self->mac, secret, strlen (secret))))
        && s_sign (label, STREAM_KEY_LABEL, sizeof STREAM_KEY_LABEL - 1, derived) == 0)
        self->contexts [CF_AUTH_STREAM] = s_keyed (self->mac, derived, sizeof derived);
    OPENSSL_cleanse (derived, sizeof derived);
    EVP_MAC_CTX_free (label);
    if (self && self->contexts [CF_AUTH_STREAM]) {
        self->jwks = jwks;
        return self;
    }
    cf_auth_destroy (&self);
    cf_error_set (error, CF_ERROR_INTERNAL, "HMAC-SHA256 is not available");
    return NULL;
}

void
cf_auth_destroy (cf_auth_t **self_p)
{
    cf_auth_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (int kind = 0; kind < CF_AUTH_KINDS; kind++)
        EVP_MAC_CTX_free (self->contexts [kind]);
    EVP_MAC_free (self->mac);
    EVP_MD_free (self->sha256);
    free (self);
}

/* ---- claims ---- */

static int
s_refuse (cf_error_t *error, const char *reason)
{
    return cf_error_set (error, CF_ERROR_UNAUTHENTICATED, "%s", reason);
}

static cf_json_t *
s_part (const char *text, size_t size)
{
    static unsigned char bytes [CF_AUTH_TOKEN_MAX];
    int length = cf_base64url_decode (text, size, bytes);
    cf_json_t *part = length < 0? NULL: cf_json_parse ((char *) bytes, (size_t) length, NULL);
    if (part && !json_is_object (part)) {
        json_decref (part);
        part = NULL;
    }
    return part;
}

/*  0 and the algorithm, or -1. */
static int
s_algorithm (const char *name, token_t *token)
{
    static const char *const names [] = { [HS256] = "HS256", [RS256] = "RS256", [ES256] = "ES256" };
    for (unsigned at = 0; at < sizeof names / sizeof names [0]; at++)
        if (strcmp (name, names [at]) == 0) {
            token->algorithm = at;
            return 0;
        }
    return -1;
}

static int
s_check_head (const char *text, size_t size, token_t *token, cf_error_t *error)
{
    cf_json_t *head = s_part (text, size);
    const char *type = cf_json_str (head, "typ", NULL), *kid = cf_json_str (head, "kid", "");
    int rc = 0;
    if (!head)
        rc = s_refuse (error, "the head is malformed");
    else if (s_algorithm (cf_json_str (head, "alg", ""), token))
        rc = s_refuse (error, "another algorithm than HS256, RS256 and ES256");
    else if (json_object_get (head, "crit") || (json_object_get (head, "typ") && (!type || strcasecmp (type, "JWT") != 0))
             || strlen (kid) > CF_JWKS_KID_MAX)
        rc = s_refuse (error, "the head asks for what is not known here");
    else
        snprintf (token->kid, sizeof token->kid, "%s", kid);
    json_decref (head);
    return rc;
}

static int
s_check_mac (EVP_MAC_CTX *context, const token_t *token, cf_error_t *error)
{
    unsigned char wanted [DIGEST_SIZE], given [DIGEST_SIZE + 2];
    if (!context || token->algorithm != HS256)
        return s_refuse (error, "no token is signed so here");
    if (token->signature_size != 43 || cf_base64url_decode (token->signature, token->signature_size, given) != DIGEST_SIZE
        || s_sign (context, token->text, token->signed_size, wanted) || CRYPTO_memcmp (wanted, given, DIGEST_SIZE))
        return s_refuse (error, "the signature is wrong");
    return 0;
}

/*  The key is one of the algorithm that the head names, or none: a public key never serves as a secret. */
static int
s_check_signature (cf_auth_t *self, const token_t *token, bool *key_unknown, cf_error_t *error)
{
    static unsigned char given [CF_AUTH_TOKEN_MAX];
    if (!self->jwks || !*token->kid)
        return s_refuse (error, "no token is signed so here");
    cf_jwk_t *key = cf_jwks_lookup (self->jwks, token->kid, token->algorithm == RS256? CF_JWK_RS256: CF_JWK_ES256);
    if (!key) {
        *key_unknown = true;
        return s_refuse (error, "its key is not known");
    }
    int size = cf_base64url_decode (token->signature, token->signature_size, given);
    if (size < 0 || !cf_jwk_verify (key, token->text, token->signed_size, given, (size_t) size))
        return s_refuse (error, "the signature is wrong");
    return 0;
}

/* ---- what is claimed ---- */

static bool
s_audience_is (const cf_json_t *audience, const char *wanted)
{
    const char *text = json_string_value (audience);
    bool found = text && strcmp (text, wanted) == 0;
    size_t at;
    cf_json_t *item;
    json_array_foreach (audience, at, item) {
        if (!json_is_string (item))
            return false;
        found = found || strcmp (json_string_value (item), wanted) == 0;
    }
    return found;
}

/*  A time that may be absent: then it has always come; what is no time never comes. */
static double
s_time (const cf_json_t *claims, const char *name)
{
    const cf_json_t *claim = json_object_get (claims, name);
    return !claim? 0: json_is_number (claim)? json_number_value (claim): DBL_MAX;
}

/*  Without exp it has expired. */
static span_t
s_span (const cf_json_t *claims)
{
    const cf_json_t *expiry = json_object_get (claims, "exp");
    double not_before = s_time (claims, "nbf"), issued = s_time (claims, "iat");
    return (span_t) { .expires = json_is_number (expiry)? json_number_value (expiry): -DBL_MAX,
                      .begins = not_before > issued? not_before: issued };
}

static int
s_check_span (const span_t *span, uint64_t now_s, cf_error_t *error)
{
    if (span->expires + CF_AUTH_LEEWAY_S <= (double) now_s)
        return s_refuse (error, "it has expired");
    return span->begins <= (double) (now_s + CF_AUTH_LEEWAY_S)? 0: s_refuse (error, "it is not valid yet");
}

static int
s_check_claims (cf_auth_kind_t kind, const cf_json_t *all, cf_auth_claims_t *claims, cf_error_t *error)
{
    if (!s_audience_is (json_object_get (all, "aud"), s_audiences [kind]))
        return s_refuse (error, "it is for another audience");
    if (!cf_uuid_parse (cf_json_str (all, "sub", ""), claims->user))
        return s_refuse (error, "sub is not a UUID");
    if (kind == CF_AUTH_STREAM)
        return cf_uuid_parse (cf_json_str (all, "job", ""), claims->job)? 0: s_refuse (error, "job is not a UUID");
    if (strcmp (cf_json_str (all, "role", ""), "authenticated") != 0)
        return cf_error_set (error, CF_ERROR_FORBIDDEN, "its role is not authenticated");
    return 0;
}

/*  Finds the three parts and reads the first. */
static int
s_split (const char *text, size_t size, token_t *token, cf_error_t *error)
{
    const char *end = text + size;
    if (size > CF_AUTH_TOKEN_MAX)
        return s_refuse (error, "it is too long");
    const char *first = memchr (text, '.', size);
    const char *second = first? memchr (first + 1, '.', (size_t) (end - first - 1)): NULL;
    if (!second || memchr (second + 1, '.', (size_t) (end - second - 1)))
        return s_refuse (error, "it has not three parts");
    *token = (token_t) {
        .text = text, .signed_size = (size_t) (second - text), .claims = first + 1, .claims_size = (size_t) (second - first - 1),
        .signature = second + 1, .signature_size = (size_t) (end - second - 1)
    };
    return s_check_head (text, (size_t) (first - text), token, error);
}

/*  Verifies all there is, and says when it is good. */
static int
s_verify (cf_auth_t *self, cf_auth_kind_t kind, const char *text, size_t size, uint64_t now_s, span_t *span, cf_auth_claims_t *claims,
          cf_error_t *error)
{
    token_t token;
    if (s_split (text, size, &token, error))
        return -1;
    bool mac = kind == CF_AUTH_STREAM || token.algorithm == HS256;
    if (mac? s_check_mac (self->contexts [kind], &token, error): s_check_signature (self, &token, &claims->key_unknown, error))
        return -1;
    cf_json_t *all = s_part (token.claims, token.claims_size);
    *span = s_span (all);
    int rc = !all? s_refuse (error, "the claims are malformed"): s_check_span (span, now_s, error)? -1: s_check_claims (kind, all, claims, error);
    json_decref (all);
    return rc;
}

int
cf_auth_verify (cf_auth_t *self, cf_auth_kind_t kind, const char *text, size_t size, uint64_t now_s,
                cf_auth_claims_t *claims, cf_error_t *error)
{
    unsigned char digest [EVP_MAX_MD_SIZE];
    span_t span;
    *claims = (cf_auth_claims_t) { .user = "" };
    if (kind == CF_AUTH_STREAM)
        return s_verify (self, kind, text, size, now_s, &span, claims, error);
    if (size > CF_AUTH_TOKEN_MAX || EVP_Digest (text, size, digest, NULL, self->sha256, NULL) != 1)
        return s_refuse (error, "it is too long");
    seen_t *seen = &self->seen [(digest [0] | (unsigned) digest [1] << 8) % SEEN];
    uint64_t version = self->jwks? cf_jwks_version (self->jwks): 0;
    if (seen->version == version && memcmp (seen->digest, digest, DIGEST_SIZE) == 0) {
        if (s_check_span (&seen->span, now_s, error))
            return -1;
        memcpy (claims->user, seen->user, sizeof claims->user);
        return 0;
    }
    if (s_verify (self, kind, text, size, now_s, &span, claims, error))
        return -1;
    *seen = (seen_t) { .version = version, .span = span };
    memcpy (seen->digest, digest, DIGEST_SIZE);
    memcpy (seen->user, claims->user, sizeof seen->user);
    return 0;
}

int
cf_auth_sign_stream (cf_auth_t *self, const char *user, const char *job, uint64_t now_s, uint64_t ttl_s, cf_buf_t *out)
{
    static const char head [] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    char claims [256];
    unsigned char signature [DIGEST_SIZE];
    size_t start = out->size;
    int size = snprintf (claims, sizeof claims, "{\"sub\":\"%s\",\"aud\":\"%s\",\"job\":\"%s\",\"iat\":%llu,\"exp\":%llu}", user,
                         s_audiences [CF_AUTH_STREAM], job, (unsigned long long) now_s, (unsigned long long) (now_s + ttl_s));
    cf_base64url_encode (head, sizeof head - 1, out);
    cf_buf_putc (out, '.');
    cf_base64url_encode (claims, (size_t) size, out);
    if (out->overflowed || s_sign (self->contexts [CF_AUTH_STREAM], out->bytes + start, out->size - start, signature))
        return -1;
    cf_buf_putc (out, '.');
    return cf_base64url_encode (signature, sizeof signature, out);
}

const char *
cf_auth_bearer (const char *header, size_t size, size_t *token_size)
{
    if (size < 7 || strncasecmp (header, "Bearer ", 7) != 0)
        return NULL;
    const char *token = header + 7, *end = header + size;
    while (token < end && *token == ' ')
        token++;
    *token_size = (size_t) (end - token);
    return token;
}
