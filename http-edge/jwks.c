/* SPDX-License-Identifier: MPL-2.0 */
/*  jwks - parsed once into OpenSSL's keys, each with a context that is ready to verify (parsing costs ten times as much) */

#include "http-edge/jwks.h"
#include "actors/lib/http.h"
#include "http-edge/base64url.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"
#include "proto/base/log.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define REFRESH_MS (10u * 60u * 1000u)  /* a key that was withdrawn is believed so long */
#define REFRESH_LEAST_MS 10000u         /* between two fetches that unknown kids cause */
#define FETCH_MS 5000u
#define RSA_LEAST_BITS 2048
#define RSA_MOST_BITS 8192              /* what one verification may cost */
#define RSA_EXPONENT_BYTES 4
#define EC_BYTES 32                     /* of a coordinate, and of r and s */
#define WAITERS_MAX 1024

struct cf_jwk_t {
    char kid [CF_JWKS_KID_MAX + 1];
    cf_jwk_algorithm_t algorithm;
    EVP_PKEY *key;
    EVP_PKEY_CTX *context;
    const EVP_MD *digest;               /* of the set's owner */
    size_t signature_size;
};

typedef struct waiter_t waiter_t;

struct waiter_t {
    cf_task_t *task;
    cf_timer_t timer;
    bool woken;
    waiter_t *prev, *next;
};

typedef struct {
    cf_jwk_t *keys [CF_JWKS_KEYS];
    size_t count;
} set_t;

struct cf_jwks_t {
    char *url;
    EVP_MD *digest;
    set_t set;
    uint64_t version;                   /* of the set */
    cf_loop_t *loop;
    cf_http_t *http;
    cf_timer_t timer;
    cf_task_t *fetching;                /* the task that fetches, or NULL */
    uint64_t fetched_ms;                /* monotonic; when it was last tried, 0: never */
    waiter_t *waiters;
    unsigned waiting;
};

/* ---- keys ---- */

static void
s_free_key (cf_jwk_t *key)
{
    if (!key)
        return;
    EVP_PKEY_CTX_free (key->context);
    EVP_PKEY_free (key->key);
    free (key);
}

static void
s_free_set (set_t *set)
{
    while (set->count)
        s_free_key (set->keys [--set->count]);
}

static EVP_PKEY *
s_from_params (const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param (build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name (NULL, type, NULL);
    EVP_PKEY *key = NULL;
    if (!params || !context || EVP_PKEY_fromdata_init (context) != 1
        || EVP_PKEY_fromdata (context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free (context);
    OSSL_PARAM_free (params);
    return key;
}

/*  A member in base64url, as bytes; their number, or 0. */
static size_t
s_member (const cf_json_t *jwk, const char *name, unsigned char *out, size_t most)
{
    const char *text = cf_json_str (jwk, name, "");
    size_t size = strlen (text);
    int filled = size <= (most + 2) / 3 * 4? cf_base64url_decode (text, size, out): -1;
    return filled > 0 && (size_t) filled <= most? (size_t) filled: 0;
}

static EVP_PKEY *
s_rsa (const cf_json_t *jwk)
{
    static unsigned char modulus [RSA_MOST_BITS / 8 + 4], exponent [RSA_EXPONENT_BYTES + 4];
    size_t modulus_size = s_member (jwk, "n", modulus, RSA_MOST_BITS / 8), exponent_size = s_member (jwk, "e", exponent, RSA_EXPONENT_BYTES);
    BIGNUM *n = BN_bin2bn (modulus, (int) modulus_size, NULL), *e = BN_bin2bn (exponent, (int) exponent_size, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new ();
    EVP_PKEY *key = NULL;
    if (n && e && build && BN_num_bits (n) >= RSA_LEAST_BITS && BN_is_odd (n) && BN_is_odd (e) && !BN_is_one (e)
        && OSSL_PARAM_BLD_push_BN (build, OSSL_PKEY_PARAM_RSA_N, n) && OSSL_PARAM_BLD_push_BN (build, OSSL_PKEY_PARAM_RSA_E, e))
        key = s_from_params ("RSA", build);
    OSSL_PARAM_BLD_free (build);
    BN_free (n);
    BN_free (e);
    return key;
}

static EVP_PKEY *
s_ec (const cf_json_t *jwk)
{
    unsigned char point [1 + 2 * (EC_BYTES + 4)] = { POINT_CONVERSION_UNCOMPRESSED };
    if (strcmp (cf_json_str (jwk, "crv", ""), "P-256") != 0 || s_member (jwk, "x", point + 1, EC_BYTES) != EC_BYTES
        || s_member (jwk, "y", point + 1 + EC_BYTES, EC_BYTES) != EC_BYTES)
        return NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new ();
    EVP_PKEY *key = NULL;
    if (build && OSSL_PARAM_BLD_push_utf8_string (build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0)
        && OSSL_PARAM_BLD_push_octet_string (build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * EC_BYTES))
        key = s_from_params ("EC", build);
    OSSL_PARAM_BLD_free (build);
    return key;
}

/*  Whether the key is on its curve, and so on. */
static bool
s_is_sound (EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new (key, NULL);
    bool sound = context && EVP_PKEY_public_check (context) == 1;
    EVP_PKEY_CTX_free (context);
    return sound;
}

static bool
s_prepare (cf_jwk_t *self, const EVP_MD *digest)
{
    self->digest = digest;
    self->context = EVP_PKEY_CTX_new (self->key, NULL);
    self->signature_size = self->algorithm == CF_JWK_ES256? 2 * EC_BYTES: (size_t) EVP_PKEY_get_size (self->key);
    return self->context && EVP_PKEY_verify_init (self->context) == 1
        && (self->algorithm == CF_JWK_ES256 || EVP_PKEY_CTX_set_rsa_padding (self->context, RSA_PKCS1_PADDING) == 1)
        && EVP_PKEY_CTX_set_signature_md (self->context, digest) == 1;
}

/*  Whether the set means it for verifying with that algorithm. */
static bool
s_is_meant (const cf_json_t *jwk, const char *algorithm)
{
    const cf_json_t *alg = json_object_get (jwk, "alg"), *use = json_object_get (jwk, "use"), *operations = json_object_get (jwk, "key_ops");
    bool verifies = !operations;
    size_t at;
    cf_json_t *operation;
    json_array_foreach (operations, at, operation)
        verifies = verifies || strcmp (json_is_string (operation)? json_string_value (operation): "", "verify") == 0;
    return verifies && (!alg || strcmp (cf_json_str (jwk, "alg", ""), algorithm) == 0) && (!use || strcmp (cf_json_str (jwk, "use", ""), "sig") == 0);
}

/*  NULL for a key that is not for us. */
static cf_jwk_t *
s_key (const cf_json_t *jwk, const EVP_MD *digest)
{
    const char *type = cf_json_str (jwk, "kty", ""), *kid = cf_json_str (jwk, "kid", "");
    bool rsa = strcmp (type, "RSA") == 0;
    if ((!rsa && strcmp (type, "EC") != 0) || !*kid || strlen (kid) > CF_JWKS_KID_MAX || !s_is_meant (jwk, rsa? "RS256": "ES256"))
        return NULL;
    cf_jwk_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    snprintf (self->kid, sizeof self->kid, "%s", kid);
    self->algorithm = rsa? CF_JWK_RS256: CF_JWK_ES256;
    self->key = rsa? s_rsa (jwk): s_ec (jwk);
    if (self->key && s_is_sound (self->key) && s_prepare (self, digest))
        return self;
    cf_log_warning ("the key %s of the key set is not usable", kid);
    s_free_key (self);
    return NULL;
}

static cf_jwk_t *
s_lookup (const set_t *set, const char *kid, cf_jwk_algorithm_t algorithm)
{
    for (size_t at = 0; at < set->count; at++)
        if (set->keys [at]->algorithm == algorithm && strcmp (set->keys [at]->kid, kid) == 0)
            return set->keys [at];
    return NULL;
}

int
cf_jwks_load (cf_jwks_t *self, const char *text, size_t size, cf_error_t *error)
{
    cf_json_t *document = size <= CF_JWKS_MAX_BYTES? cf_json_parse (text, size, NULL): NULL;
    const cf_json_t *keys = json_object_get (document, "keys");
    if (!json_is_array (keys) || json_array_size (keys) > CF_JWKS_KEYS) {
        json_decref (document);
        return cf_error_set (error, CF_ERROR_INVALID, "it is no key set of at most %d keys", CF_JWKS_KEYS);
    }
    set_t fresh = { .count = 0 };
    size_t at;
    cf_json_t *jwk;
    json_array_foreach (keys, at, jwk) {
        cf_jwk_t *key = s_key (jwk, self->digest);
        if (key && s_lookup (&fresh, key->kid, key->algorithm))
            s_free_key (key);           /* the first one of a kid is the one */
        else if (key)
            fresh.keys [fresh.count++] = key;
    }
    json_decref (document);
    s_free_set (&self->set);
    self->set = fresh;
    self->version++;
    return 0;
}

size_t
cf_jwks_count (const cf_jwks_t *self)
{
    return self->set.count;
}

uint64_t
cf_jwks_version (const cf_jwks_t *self)
{
    return self->version;
}

cf_jwk_t *
cf_jwks_lookup (const cf_jwks_t *self, const char *kid, cf_jwk_algorithm_t algorithm)
{
    return s_lookup (&self->set, kid, algorithm);
}

/* ---- signatures ---- */

/*  One number of an ECDSA signature as DER: no leading zeros but one that keeps it positive. Returns the bytes written. */
static size_t
s_put_der (const unsigned char number [EC_BYTES], unsigned char *out)
{
    size_t skip = 0;
    while (skip < EC_BYTES - 1 && !number [skip])
        skip++;
    size_t pad = number [skip] & 0x80? 1: 0, size = EC_BYTES - skip;
    out [0] = 0x02;
    out [1] = (unsigned char) (pad + size);
    out [2] = 0;
    memcpy (out + 2 + pad, number + skip, size);
    return 2 + pad + size;
}

bool
cf_jwk_verify (cf_jwk_t *self, const void *bytes, size_t size, const unsigned char *signature, size_t signature_size)
{
    unsigned char digest [EVP_MAX_MD_SIZE], der [2 + 2 * (3 + EC_BYTES)] = { 0x30 };
    unsigned digest_size = 0;
    if (signature_size != self->signature_size || EVP_Digest (bytes, size, digest, &digest_size, self->digest, NULL) != 1)
        return false;
    if (self->algorithm == CF_JWK_ES256) {
        size_t filled = 2 + s_put_der (signature, der + 2);
        filled += s_put_der (signature + EC_BYTES, der + filled);
        der [1] = (unsigned char) (filled - 2);
        signature = der;
        signature_size = filled;
    }
    bool good = EVP_PKEY_verify (self->context, signature, signature_size, digest, digest_size) == 1;
    if (!good)
        ERR_clear_error ();
    return good;
}

/* ---- fetching ---- */

static void
s_wake (void *arg)
{
    waiter_t *waiter = arg;
    waiter->woken = true;
    cf_task_wake (waiter->task);
}

static void s_fetch (cf_jwks_t *self);

static void
s_on_time (void *arg)
{
    s_fetch (arg);
}

static void
s_on_fetched (void *arg)
{
    cf_jwks_t *self = arg;
    waiter_t *waiter, *next;
    DL_FOREACH_SAFE (self->waiters, waiter, next)
        s_wake (waiter);
    cf_timer_set (self->loop, &self->timer, REFRESH_MS, s_on_time, self);
}

static void
s_run (cf_task_t *task, void *arg)
{
    cf_jwks_t *self = arg;
    static char accept [] = "Accept: application/json";
    char *headers [] = { accept, NULL };
    cf_http_response_t response;
    cf_error_t error = { 0 };
    self->fetching = task;
    cf_task_limit (task, FETCH_MS);
    cf_http_request_t request = { .url = self->url, .headers = headers, .connect_ms = FETCH_MS, .max_bytes = CF_JWKS_MAX_BYTES };
    int rc = cf_http_call (task, self->http, &request, NULL, NULL, &response, &error);
    if (rc == 0 && response.status != 200)
        rc = cf_error_set (&error, CF_ERROR_HTTP_FAILED, "status %ld", response.status);
    if (rc == 0)
        rc = cf_jwks_load (self, response.body.bytes, response.body.size, &error);
    if (rc)
        cf_log_warning ("the key set could not be fetched: %s", error.text);
    else
        cf_log_debug ("the key set has %zu keys", self->set.count);
    cf_http_response_free (&response);
    self->fetching = NULL;
    /* those who wait are tasks, which are not woken from within one */
    cf_timer_set (self->loop, &self->timer, 0, s_on_fetched, self);
}

static void
s_fetch (cf_jwks_t *self)
{
    if (self->fetching)
        return;
    self->fetched_ms = cf_clock_ms ();
    if (!cf_task_start (self->loop, s_run, self, NULL))
        cf_timer_set (self->loop, &self->timer, REFRESH_LEAST_MS, s_on_time, self);
}

bool
cf_jwks_can_wait (const cf_jwks_t *self)
{
    if (!self || !self->loop)
        return false;
    bool due = !self->fetched_ms || cf_clock_ms () - self->fetched_ms >= REFRESH_LEAST_MS;
    return self->waiting < WAITERS_MAX && (self->fetching || due);
}

void
cf_jwks_wait (cf_jwks_t *self, cf_task_t *task)
{
    waiter_t waiter = { .task = task };
    cf_error_t error = { 0 };
    if (!cf_jwks_can_wait (self))
        return;
    if (!self->fetching)
        cf_timer_set (self->loop, &self->timer, 0, s_on_time, self);
    DL_APPEND (self->waiters, &waiter);
    self->waiting++;
    cf_timer_set (self->loop, &waiter.timer, CF_JWKS_WAIT_MS, s_wake, &waiter);
    while (!waiter.woken && cf_task_wait (task, &error) == 0)
        ;
    cf_timer_clear (self->loop, &waiter.timer);
    DL_DELETE (self->waiters, &waiter);
    self->waiting--;
}

/* ---- life ---- */

cf_jwks_t *
cf_jwks_new (const char *url)
{
    cf_jwks_t *self = calloc (1, sizeof *self);
    if (self && (self->url = strdup (url)) && (self->digest = EVP_MD_fetch (NULL, "SHA256", NULL)))
        return self;
    cf_jwks_destroy (&self);
    return NULL;
}

int
cf_jwks_start (cf_jwks_t *self, cf_loop_t *loop)
{
    self->http = cf_http_new (loop, 1);
    if (!self->http)
        return -1;
    self->loop = loop;
    s_fetch (self);
    return 0;
}

void
cf_jwks_stop (cf_jwks_t *self)
{
    cf_timer_clear (self->loop, &self->timer);
    if (self->fetching)
        cf_task_cancel (self->fetching, CF_ERROR_CANCELLED);
}

void
cf_jwks_destroy (cf_jwks_t **self_p)
{
    cf_jwks_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    if (self->loop)
        cf_timer_clear (self->loop, &self->timer);
    cf_http_destroy (&self->http);
    s_free_set (&self->set);
    EVP_MD_free (self->digest);
    free (self->url);
    free (self);
}
