/* SPDX-License-Identifier: MPL-2.0 */
/*  jwks - tokens of all three algorithms, and a table of attacks on them */

#include "http-edge/auth.h"
#include "http-edge/base64url.h"
#include "http-edge/jwks.h"
#include "tests/support/unit.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define USER "3f0e8a52-5f0c-4b1e-9c7d-3a4b5c6d7e8f"
#define NOW 1800000000u
#define GOOD "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":1800000100}"
#define HEAD(alg_, kid_) "{\"alg\":\"" alg_ "\",\"typ\":\"JWT\",\"kid\":\"" kid_ "\"}"

static EVP_PKEY *s_rsa, *s_ec;
static char s_rsa_pem [2048], s_ec_pem [1024];
static cf_jwks_t *s_jwks;
static cf_auth_t *s_auth;

/* ---- keys and tokens ---- */

static const char *
s_base64 (const void *bytes, size_t size)
{
    static char texts [8] [16384];
    static unsigned turn;
    char *text = texts [turn++ % 8];
    cf_buf_t out;
    cf_buf_init (&out, sizeof texts [0] - 1);
    ck_assert_int_eq (cf_base64url_encode (bytes, size, &out), 0);
    strcpy (text, out.bytes);
    cf_buf_free (&out);
    return text;
}

static const char *
s_number (EVP_PKEY *key, const char *name)
{
    BIGNUM *number = NULL;
    unsigned char bytes [2048];
    ck_assert_int_eq (EVP_PKEY_get_bn_param (key, name, &number), 1);
    int size = strcmp (name, OSSL_PKEY_PARAM_EC_PUB_X) == 0 || strcmp (name, OSSL_PKEY_PARAM_EC_PUB_Y) == 0
        ? BN_bn2binpad (number, bytes, (EVP_PKEY_get_bits (key) + 7) / 8): BN_bn2bin (number, bytes);
    BN_free (number);
    return s_base64 (bytes, (size_t) size);
}

static const char *
s_rsa_jwk (EVP_PKEY *key, const char *rest)
{
    static char jwk [4096];
    snprintf (jwk, sizeof jwk, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}", s_number (key, OSSL_PKEY_PARAM_RSA_N),
              s_number (key, OSSL_PKEY_PARAM_RSA_E), rest);
    return jwk;
}

static const char *
s_ec_jwk (EVP_PKEY *key, const char *rest)
{
    static char jwk [4096];
    snprintf (jwk, sizeof jwk, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"%s}", s_number (key, OSSL_PKEY_PARAM_EC_PUB_X),
              s_number (key, OSSL_PKEY_PARAM_EC_PUB_Y), rest);
    return jwk;
}

/*  A signature in the form of a JWS; its bytes in out. */
static size_t
s_sign (EVP_PKEY *key, const char *text, unsigned char out [1024])
{
    unsigned char der [1024];
    size_t size = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new ();
    ck_assert_int_eq (EVP_DigestSignInit (context, NULL, EVP_sha256 (), NULL, key), 1);
    ck_assert_int_eq (EVP_DigestSign (context, der, &size, (const unsigned char *) text, strlen (text)), 1);
    EVP_MD_CTX_free (context);
    if (EVP_PKEY_get_base_id (key) == EVP_PKEY_RSA) {
        memcpy (out, der, size);
        return size;
    }
    const unsigned char *at = der;
    ECDSA_SIG *signature = d2i_ECDSA_SIG (NULL, &at, (long) size);
    BN_bn2binpad (ECDSA_SIG_get0_r (signature), out, 32);
    BN_bn2binpad (ECDSA_SIG_get0_s (signature), out + 32, 32);
    ECDSA_SIG_free (signature);
    return 64;
}

static char s_text [32768];

static const char *
s_unsigned (const char *head, const char *claims)
{
    snprintf (s_text, sizeof s_text, "%s.%s", s_base64 (head, strlen (head)), s_base64 (claims, strlen (claims)));
    return s_text;
}

static const char *
s_append (const void *signature, size_t size)
{
    strcat (s_text, ".");
    strcat (s_text, s_base64 (signature, size));
    return s_text;
}

static const char *
s_token (EVP_PKEY *key, const char *head, const char *claims)
{
    unsigned char signature [1024];
    return s_append (signature, s_sign (key, s_unsigned (head, claims), signature));
}

static const char *
s_mac_token (const char *secret, const char *head, const char *claims)
{
    unsigned char signature [EVP_MAX_MD_SIZE];
    unsigned size = 0;
    s_unsigned (head, claims);
    HMAC (EVP_sha256 (), secret, (int) strlen (secret), (unsigned char *) s_text, strlen (s_text), signature, &size);
    return s_append (signature, size);
}

static void
s_pem (EVP_PKEY *key, char *out, size_t size)
{
    BIO *bio = BIO_new (BIO_s_mem ());
    PEM_write_bio_PUBKEY (bio, key);
    int filled = BIO_read (bio, out, (int) size - 1);
    out [filled] = 0;
    BIO_free (bio);
}

static void
s_set_up (const char *secret)
{
    char set [16384];
    cf_error_t error = { 0 };
    s_rsa = EVP_RSA_gen (2048);
    s_ec = EVP_EC_gen ("P-256");
    s_pem (s_rsa, s_rsa_pem, sizeof s_rsa_pem);
    s_pem (s_ec, s_ec_pem, sizeof s_ec_pem);
    s_jwks = cf_jwks_new ("http://127.0.0.1:1/");
    int size = snprintf (set, sizeof set, "{\"keys\":[%s,", s_rsa_jwk (s_rsa, ",\"kid\":\"r\",\"alg\":\"RS256\",\"use\":\"sig\""));
    snprintf (set + size, sizeof set - (size_t) size, "%s]}", s_ec_jwk (s_ec, ",\"kid\":\"e\",\"alg\":\"ES256\",\"key_ops\":[\"verify\"]"));
    ck_assert_msg (cf_jwks_load (s_jwks, set, strlen (set), &error) == 0, "%s", error.text);
    ck_assert_uint_eq (cf_jwks_count (s_jwks), 2);
    s_auth = cf_auth_new (secret, SECRET, s_jwks, &error);
}

static void
s_tear_down (void)
{
    cf_auth_destroy (&s_auth);
    cf_jwks_destroy (&s_jwks);
    EVP_PKEY_free (s_rsa);
    EVP_PKEY_free (s_ec);
}

static cf_error_code_t
s_verify (const char *token)
{
    cf_auth_claims_t claims;
    cf_error_t error = { 0 };
    int rc = cf_auth_verify (s_auth, CF_AUTH_API, token, strlen (token), NOW, &claims, &error);
    ck_assert_int_eq (rc, error.code == CF_OK? 0: -1);
    ck_assert (rc || strcmp (claims.user, USER) == 0);
    return error.code;
}

static void
s_expect (const char *what, const char *token, bool good)
{
    cf_error_code_t code = s_verify (token);
    ck_assert_msg (code == (good? CF_OK: CF_ERROR_UNAUTHENTICATED), "%s: %s", what, cf_error_name (code));
}

/* ---- tests ---- */

START_TEST (takes_all_three)
{
    s_set_up (SECRET);
    s_expect ("HS256", s_mac_token (SECRET, "{\"alg\":\"HS256\"}", GOOD), true);
    s_expect ("HS256 with a kid", s_mac_token (SECRET, HEAD ("HS256", "r"), GOOD), true);
    for (int round = 0; round < 300; round++) {         /* short r and s come up, too */
        s_expect ("ES256", s_token (s_ec, HEAD ("ES256", "e"), GOOD), true);
        if (round < 20)
            s_expect ("RS256", s_token (s_rsa, HEAD ("RS256", "r"), GOOD), true);
    }
    s_tear_down ();
}
END_TEST

START_TEST (refuses_confused_algorithms)
{
    s_set_up (SECRET);
    s_expect ("none", s_token (s_rsa, HEAD ("none", "r"), GOOD), false);
    s_unsigned (HEAD ("none", "r"), GOOD);
    s_expect ("none with an empty signature", strcat (s_text, "."), false);
    static const char *const names [] = { "None", "NONE", "nOnE", "", "RS384", "RS512", "PS256", "ES384", "ES256K", "EdDSA", "rs256", "RS256 ", "HS384" };
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++) {
        char head [128];
        snprintf (head, sizeof head, "{\"alg\":\"%s\",\"kid\":\"r\"}", names [at]);
        s_expect (names [at], s_token (s_rsa, head, GOOD), false);
    }
    s_expect ("HS256 with the RSA key as PEM", s_mac_token (s_rsa_pem, HEAD ("HS256", "r"), GOOD), false);
    s_expect ("HS256 with the EC key as PEM", s_mac_token (s_ec_pem, HEAD ("HS256", "e"), GOOD), false);
    s_expect ("HS256 with the RSA key's n", s_mac_token (s_number (s_rsa, OSSL_PKEY_PARAM_RSA_N), HEAD ("HS256", "r"), GOOD), false);
    s_expect ("HS256 without a secret", s_mac_token ("", HEAD ("HS256", "r"), GOOD), false);
    s_expect ("RS256 that names the EC key", s_token (s_rsa, HEAD ("RS256", "e"), GOOD), false);
    s_expect ("ES256 that names the RSA key", s_token (s_ec, HEAD ("ES256", "r"), GOOD), false);
    s_expect ("RS256 signed by EC", s_token (s_ec, HEAD ("RS256", "r"), GOOD), false);
    s_expect ("ES256 signed by RSA", s_token (s_rsa, HEAD ("ES256", "e"), GOOD), false);
    s_expect ("RS256 signed with the secret", s_mac_token (SECRET, HEAD ("RS256", "r"), GOOD), false);
    s_expect ("no kid", s_token (s_rsa, "{\"alg\":\"RS256\"}", GOOD), false);
    s_expect ("kid is no string", s_token (s_rsa, "{\"alg\":\"RS256\",\"kid\":5}", GOOD), false);
    s_expect ("kid twice", s_token (s_rsa, "{\"alg\":\"RS256\",\"kid\":\"x\",\"kid\":\"r\"}", GOOD), false);
    s_expect ("kid is a path", s_token (s_rsa, HEAD ("RS256", "../../r"), GOOD), false);
    s_expect ("crit", s_token (s_rsa, "{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":[\"exp\"]}", GOOD), false);
    char head [8192];
    snprintf (head, sizeof head, "{\"alg\":\"RS256\",\"kid\":\"x\",\"jwk\":%s}", s_rsa_jwk (s_rsa, ""));
    s_expect ("a key of its own", s_token (s_rsa, head, GOOD), false);
    s_expect ("a place of its own", s_token (s_rsa, "{\"alg\":\"RS256\",\"kid\":\"x\",\"jku\":\"http://127.0.0.1/\"}", GOOD), false);
    snprintf (head, sizeof head, "{\"alg\":\"RS256\",\"kid\":\"r%0*d\"}", 300, 0);
    s_expect ("a long kid", s_token (s_rsa, head, GOOD), false);
    s_tear_down ();
}
END_TEST

START_TEST (refuses_wrong_signatures)
{
    unsigned char signature [1024], other [1024];
    static const struct { const char *what; bool ec; int from, size; } cuts [] = {
        { "RS256 without its last byte", false, 0, 255 }, { "RS256 without its first byte", false, 1, 255 },
        { "RS256 with a byte more", false, 0, 257 }, { "RS256 empty", false, 0, 0 },
        { "ES256 of 63 bytes", true, 0, 63 }, { "ES256 of 65 bytes", true, 0, 65 }, { "ES256 empty", true, 0, 0 },
        { "ES256 of 128 bytes", true, 0, 128 },
    };
    s_set_up (SECRET);
    for (size_t at = 0; at < sizeof cuts / sizeof cuts [0]; at++) {
        memset (signature, 0, sizeof signature);
        s_unsigned (cuts [at].ec? HEAD ("ES256", "e"): HEAD ("RS256", "r"), GOOD);
        s_sign (cuts [at].ec? s_ec: s_rsa, s_text, signature);
        s_expect (cuts [at].what, s_append (signature + cuts [at].from, (size_t) cuts [at].size), false);
    }
    /* DER is not how a JWS has it */
    s_unsigned (HEAD ("ES256", "e"), GOOD);
    s_sign (s_ec, s_text, signature);
    memcpy (other, "\x30\x44\x02\x20", 4);
    memcpy (other + 4, signature, 32);
    memcpy (other + 36, "\x02\x20", 2);
    memcpy (other + 38, signature + 32, 32);
    s_expect ("ES256 in DER", s_append (other, 70), false);
    static const unsigned char fills [] = { 0x00, 0x01, 0xFF };
    for (size_t at = 0; at < sizeof fills; at++)
        for (unsigned half = 0; half < 3; half++) {
            s_unsigned (HEAD ("ES256", "e"), GOOD);
            s_sign (s_ec, s_text, signature);
            memset (signature + (half == 1? 32: 0), fills [at], half == 2? 64: 32);
            s_expect ("ES256 with r or s out of range", s_append (signature, 64), false);
        }
    /* s and n - s both verify in ECDSA; r and s cannot be exchanged, nor any bit */
    s_unsigned (HEAD ("ES256", "e"), GOOD);
    s_sign (s_ec, s_text, signature);
    memcpy (other, signature + 32, 32);
    memcpy (other + 32, signature, 32);
    s_expect ("ES256 with s and r", s_append (other, 64), false);
    EVP_PKEY *keys [] = { EVP_RSA_gen (2048), EVP_EC_gen ("P-256") };
    s_expect ("another RSA key", s_token (keys [0], HEAD ("RS256", "r"), GOOD), false);
    s_expect ("another EC key", s_token (keys [1], HEAD ("ES256", "e"), GOOD), false);
    EVP_PKEY_free (keys [0]);
    EVP_PKEY_free (keys [1]);
    s_tear_down ();
}
END_TEST

/*  No byte of a token may be changed, of whichever algorithm. */
START_TEST (refuses_every_changed_byte)
{
    char good [4096], changed [4096];
    s_set_up (SECRET);
    for (int algorithm = 0; algorithm < 2; algorithm++) {
        strcpy (good, algorithm? s_token (s_ec, HEAD ("ES256", "e"), GOOD): s_token (s_rsa, HEAD ("RS256", "r"), GOOD));
        for (size_t at = 0; at < strlen (good); at++) {
            strcpy (changed, good);
            changed [at] = changed [at] == 'A'? 'B': 'A';
            s_expect ("a changed byte", changed, false);
        }
        static const char *const tails [] = { "=", "A", ".", " ", "AA", "\n" };
        for (size_t at = 0; at < sizeof tails / sizeof tails [0]; at++) {
            snprintf (changed, sizeof changed, "%s%s", good, tails [at]);
            s_expect ("a longer signature", changed, false);
        }
        good [strlen (good) - 1] = 0;
        s_expect ("a shorter signature", good, false);
    }
    s_tear_down ();
}
END_TEST

START_TEST (judges_claims_alike)
{
    static const char *const claims [] = {
        "{\"sub\":\"" USER "\",\"aud\":\"anon\",\"role\":\"authenticated\",\"exp\":1800000100}",
        "{\"sub\":\"" USER "\",\"role\":\"authenticated\",\"exp\":1800000100}",
        "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":1799999990}",
        "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"role\":\"authenticated\"}",
        "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":1800000100,\"nbf\":1800000011}",
        "{\"sub\":\"" USER "\",\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":1800000100}",
        "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":1800000100,\"exp\":9800000100}",
        "{\"sub\":\"\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":1800000100}",
        "[]", "", "{",
    };
    static char large [9000];
    s_set_up (SECRET);
    for (size_t at = 0; at < sizeof claims / sizeof claims [0]; at++) {
        s_expect (claims [at], s_token (s_rsa, HEAD ("RS256", "r"), claims [at]), false);
        s_expect (claims [at], s_token (s_ec, HEAD ("ES256", "e"), claims [at]), false);
        s_expect (claims [at], s_mac_token (SECRET, HEAD ("HS256", "r"), claims [at]), false);
    }
    const char *anon = "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"role\":\"anon\",\"exp\":1800000100}";
    ck_assert_int_eq (s_verify (s_token (s_ec, HEAD ("ES256", "e"), anon)), CF_ERROR_FORBIDDEN);
    snprintf (large, sizeof large, "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":1800000100,\"x\":\"%0*d\"}", 6200, 0);
    s_expect ("too long", s_token (s_ec, HEAD ("ES256", "e"), large), false);
    s_tear_down ();
}
END_TEST

START_TEST (takes_no_secret_where_there_is_none)
{
    s_set_up ("");
    s_expect ("HS256", s_mac_token (SECRET, "{\"alg\":\"HS256\"}", GOOD), false);
    s_expect ("HS256 with an empty secret", s_mac_token ("", "{\"alg\":\"HS256\"}", GOOD), false);
    s_expect ("ES256", s_token (s_ec, HEAD ("ES256", "e"), GOOD), true);
    cf_auth_destroy (&s_auth);
    s_auth = cf_auth_new (SECRET, SECRET, NULL, NULL);
    s_expect ("ES256 without a key set", s_token (s_ec, HEAD ("ES256", "e"), GOOD), false);
    s_tear_down ();
}
END_TEST

START_TEST (tells_unknown_keys_from_wrong_ones)
{
    cf_auth_claims_t claims;
    s_set_up (SECRET);
    const char *token = s_token (s_ec, HEAD ("ES256", "next"), GOOD);
    ck_assert_int_eq (cf_auth_verify (s_auth, CF_AUTH_API, token, strlen (token), NOW, &claims, NULL), -1);
    ck_assert (claims.key_unknown);
    token = s_token (s_ec, HEAD ("HS256", "next"), GOOD);
    ck_assert_int_eq (cf_auth_verify (s_auth, CF_AUTH_API, token, strlen (token), NOW, &claims, NULL), -1);
    ck_assert (!claims.key_unknown);
    ck_assert (!cf_jwks_can_wait (s_jwks));             /* not started */
    ck_assert (!cf_jwks_can_wait (NULL));
    s_tear_down ();
}
END_TEST

static size_t
s_load (const char *jwk)
{
    static char set [16384];
    snprintf (set, sizeof set, "{\"keys\":[%s]}", jwk);
    ck_assert_int_eq (cf_jwks_load (s_jwks, set, strlen (set), NULL), 0);
    return cf_jwks_count (s_jwks);
}

START_TEST (leaves_out_keys_that_will_not_do)
{
    char jwk [8192];
    s_set_up (SECRET);
    static const char *const wrong [] = {
        "", ",\"kid\":\"\"", ",\"kid\":7", ",\"kid\":\"k\",\"use\":\"enc\"", ",\"kid\":\"k\",\"alg\":\"RS512\"", ",\"kid\":\"k\",\"alg\":\"HS256\"",
        ",\"kid\":\"k\",\"alg\":5", ",\"kid\":\"k\",\"key_ops\":[\"sign\"]", ",\"kid\":\"k\",\"key_ops\":[]",
    };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++) {
        ck_assert_msg (s_load (s_rsa_jwk (s_rsa, wrong [at])) == 0, "RSA%s", wrong [at]);
        ck_assert_msg (s_load (s_ec_jwk (s_ec, wrong [at])) == 0, "EC%s", wrong [at]);
    }
    ck_assert_uint_eq (s_load (s_rsa_jwk (s_rsa, ",\"kid\":\"k\"")), 1);
    ck_assert_uint_eq (s_load (s_ec_jwk (s_ec, ",\"kid\":\"k\"")), 1);
    EVP_PKEY *weak = EVP_RSA_gen (1024), *curve = EVP_EC_gen ("P-384");
    ck_assert_uint_eq (s_load (s_rsa_jwk (weak, ",\"kid\":\"k\"")), 0);
    ck_assert_uint_eq (s_load (s_ec_jwk (curve, ",\"kid\":\"k\"")), 0);
    EVP_PKEY_free (weak);
    EVP_PKEY_free (curve);
    snprintf (jwk, sizeof jwk, "{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"%s\",\"e\":\"AQ\"}", s_number (s_rsa, OSSL_PKEY_PARAM_RSA_N));
    ck_assert_uint_eq (s_load (jwk), 0);                /* e = 1: any text is its own signature */
    snprintf (jwk, sizeof jwk, "{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"%0*d\",\"e\":\"AQAB\"}", 4000, 0);
    ck_assert_uint_eq (s_load (jwk), 0);
    snprintf (jwk, sizeof jwk, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\",\"x\":\"%s\",\"y\":\"%s\"}",
              s_number (s_ec, OSSL_PKEY_PARAM_EC_PUB_X), s_number (s_ec, OSSL_PKEY_PARAM_EC_PUB_X));
    ck_assert_uint_eq (s_load (jwk), 0);                /* not on the curve */
    static const char *const others [] = {
        "{}", "5", "null", "{\"kty\":\"oct\",\"kid\":\"k\",\"k\":\"AAAA\",\"alg\":\"HS256\"}", "{\"kty\":\"RSA\",\"kid\":\"k\"}",
        "{\"kty\":\"EC\",\"kid\":\"k\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}", "{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"!!\",\"e\":\"AQAB\"}",
    };
    for (size_t at = 0; at < sizeof others / sizeof others [0]; at++)
        ck_assert_msg (s_load (others [at]) == 0, "%s", others [at]);
    s_tear_down ();
}
END_TEST

START_TEST (keeps_its_keys_when_the_set_is_none)
{
    static const char *const sets [] = { "", "{", "[]", "{}", "{\"keys\":{}}", "{\"keys\":null}", "<html>", "{\"keys\":[],\"keys\":[]}" };
    s_set_up (SECRET);
    for (size_t at = 0; at < sizeof sets / sizeof sets [0]; at++) {
        ck_assert_msg (cf_jwks_load (s_jwks, sets [at], strlen (sets [at]), NULL) == -1, "%s", sets [at]);
        ck_assert_uint_eq (cf_jwks_count (s_jwks), 2);
    }
    ck_assert_int_eq (cf_jwks_load (s_jwks, "{\"keys\":[]}", 11, NULL), 0);     /* all were withdrawn */
    ck_assert_uint_eq (cf_jwks_count (s_jwks), 0);
    s_tear_down ();
}
END_TEST

/*  A token that was right is not right any more when its key is gone, and is judged anew when it is another's. */
START_TEST (remembers_signatures_no_longer_than_keys)
{
    s_set_up (SECRET);
    char token [4096];
    strcpy (token, s_token (s_ec, HEAD ("ES256", "e"), GOOD));
    s_expect ("at first", token, true);
    s_expect ("again", token, true);
    EVP_PKEY *other = EVP_EC_gen ("P-256");
    ck_assert_uint_eq (s_load (s_ec_jwk (other, ",\"kid\":\"e\"")), 1);
    s_expect ("under another key", token, false);
    ck_assert_uint_eq (s_load (""), 0);
    s_expect ("under none", token, false);
    ck_assert_uint_eq (s_load (s_ec_jwk (s_ec, ",\"kid\":\"e\"")), 1);
    s_expect ("under its own", token, true);
    cf_auth_claims_t claims;
    ck_assert_int_eq (cf_auth_verify (s_auth, CF_AUTH_API, token, strlen (token), NOW + 111, &claims, NULL), -1);      /* it expires as ever */
    ck_assert_str_eq (claims.user, "");
    EVP_PKEY_free (other);
    s_tear_down ();
}
END_TEST

UNIT_MAIN ("jwks", takes_all_three, refuses_confused_algorithms, refuses_wrong_signatures, refuses_every_changed_byte, judges_claims_alike,
           takes_no_secret_where_there_is_none, tells_unknown_keys_from_wrong_ones, leaves_out_keys_that_will_not_do,
           keeps_its_keys_when_the_set_is_none, remembers_signatures_no_longer_than_keys)
