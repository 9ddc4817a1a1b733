/* SPDX-License-Identifier: MPL-2.0 */
/*  auth - what passes, and a table of what must not */

#include "http-edge/auth.h"
#include "tests/support/unit.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define USER "3f0e8a52-5f0c-4b1e-9c7d-3a4b5c6d7e8f"
#define JOB "0f7d1c9a-94e2-4a53-8f2b-61f0a9d3c4b5"
#define NOW 1800000000u
#define HEAD "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS(sub_, aud_, rest_) "{\"sub\":\"" sub_ "\",\"aud\":" aud_ ",\"role\":\"authenticated\"" rest_ "}"
#define GOOD CLAIMS (USER, "\"authenticated\"", ",\"exp\":1800000100")

static cf_auth_t *s_auth;

static void
s_put_base64url (char *out, const void *bytes, size_t size)
{
    char text [16384];
    EVP_EncodeBlock ((unsigned char *) text, bytes, (int) size);
    char *end = out + strlen (out);
    for (const char *at = text; *at && *at != '='; at++)
        *end++ = (char) (*at == '+'? '-': *at == '/'? '_': *at);
    *end = 0;
}

/*  Token of head and claims, signed with key; static. */
static const char *
s_token (const char *head, const char *claims, const char *key)
{
    static char token [32768];
    unsigned char signature [EVP_MAX_MD_SIZE];
    unsigned size = 0;
    *token = 0;
    s_put_base64url (token, head, strlen (head));
    strcat (token, ".");
    s_put_base64url (token, claims, strlen (claims));
    HMAC (EVP_sha256 (), key, (int) strlen (key), (unsigned char *) token, strlen (token), signature, &size);
    strcat (token, ".");
    s_put_base64url (token, signature, size);
    return token;
}

static cf_error_code_t
s_verify (cf_auth_kind_t kind, const char *token)
{
    cf_auth_claims_t claims;
    cf_error_t error = { 0 };
    if (!s_auth)
        s_auth = cf_auth_new (SECRET, SECRET, NULL, &error);
    int rc = cf_auth_verify (s_auth, kind, token, strlen (token), NOW, &claims, &error);
    ck_assert_int_eq (rc, error.code == CF_OK? 0: -1);
    return error.code;
}

START_TEST (takes_what_is_right)
{
    static const char *const claims [] = {
        GOOD,
        CLAIMS (USER, "[\"authenticated\"]", ",\"exp\":1800000100"),
        CLAIMS (USER, "[\"other\",\"authenticated\"]", ",\"exp\":1800000100.5"),
        CLAIMS (USER, "\"authenticated\"", ",\"exp\":1799999991,\"nbf\":1800000010,\"iat\":1800000009"),
        CLAIMS ("3F0E8A52-5F0C-4B1E-9C7D-3A4B5C6D7E8F", "\"authenticated\"", ",\"exp\":1800000100,\"email\":\"a@b.example\""),
    };
    for (size_t at = 0; at < sizeof claims / sizeof claims [0]; at++)
        ck_assert_msg (s_verify (CF_AUTH_API, s_token (HEAD, claims [at], SECRET)) == CF_OK, "%s", claims [at]);
    cf_auth_claims_t found;
    const char *token = s_token (HEAD, claims [4], SECRET);
    ck_assert_int_eq (cf_auth_verify (s_auth, CF_AUTH_API, token, strlen (token), NOW, &found, NULL), 0);
    ck_assert_str_eq (found.user, USER);
    ck_assert_str_eq (found.job, "");
    ck_assert_int_eq (s_verify (CF_AUTH_API, s_token ("{\"alg\":\"HS256\",\"kid\":\"x\"}", GOOD, SECRET)), CF_OK);
    cf_auth_destroy (&s_auth);
}
END_TEST

START_TEST (refuses_wrong_heads)
{
    static const char *const heads [] = {
        "{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"hs256\"}", "{\"alg\":\"HS384\"}", "{\"alg\":\"HS512\"}",
        "{\"alg\":\"RS256\"}", "{\"alg\":\"ES256\"}", "{\"alg\":[\"HS256\"]}", "{\"alg\":null}", "{\"typ\":\"JWT\"}", "{}", "[]",
        "\"HS256\"", "", "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "{\"alg\":\"none\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", "{\"alg\":\"HS256\",\"typ\":\"JWE\"}", "{\"alg\":\"HS256\",\"typ\":5}",
        "{\"alg\":\"HS256\"} ,", "{\"alg\":\"HS256\\u0000\"}",
    };
    for (size_t at = 0; at < sizeof heads / sizeof heads [0]; at++)
        ck_assert_msg (s_verify (CF_AUTH_API, s_token (heads [at], GOOD, SECRET)) == CF_ERROR_UNAUTHENTICATED, "%s", heads [at]);
    cf_auth_destroy (&s_auth);
}
END_TEST

START_TEST (refuses_wrong_claims)
{
    static const char *const claims [] = {
        CLAIMS (USER, "\"authenticated\"", ""),
        CLAIMS (USER, "\"authenticated\"", ",\"exp\":1799999990"),
        CLAIMS (USER, "\"authenticated\"", ",\"exp\":-1"),
        CLAIMS (USER, "\"authenticated\"", ",\"exp\":\"1800000100\""),
        CLAIMS (USER, "\"authenticated\"", ",\"exp\":null"),
        CLAIMS (USER, "\"authenticated\"", ",\"exp\":1800000100,\"exp\":1800000100"),
        CLAIMS (USER, "\"authenticated\"", ",\"exp\":99999999999999999999999999"),
        CLAIMS (USER, "\"authenticated\"", ",\"exp\":1800000100,\"nbf\":1800000011"),
        CLAIMS (USER, "\"authenticated\"", ",\"exp\":1800000100,\"nbf\":\"0\""),
        CLAIMS (USER, "\"authenticated\"", ",\"exp\":1800000100,\"iat\":1800000011"),
        CLAIMS (USER, "\"anon\"", ",\"exp\":1800000100"),
        CLAIMS (USER, "\"stream\"", ",\"exp\":1800000100"),
        CLAIMS (USER, "[\"other\"]", ",\"exp\":1800000100"),
        CLAIMS (USER, "[]", ",\"exp\":1800000100"),
        CLAIMS (USER, "[\"authenticated\",1]", ",\"exp\":1800000100"),
        CLAIMS (USER, "null", ",\"exp\":1800000100"),
        CLAIMS (USER, "{\"authenticated\":true}", ",\"exp\":1800000100"),
        CLAIMS ("", "\"authenticated\"", ",\"exp\":1800000100"),
        CLAIMS ("me", "\"authenticated\"", ",\"exp\":1800000100"),
        CLAIMS (USER "\\u0000", "\"authenticated\"", ",\"exp\":1800000100"),
        CLAIMS (USER " ", "\"authenticated\"", ",\"exp\":1800000100"),
        "{\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":1800000100}",
        "{\"sub\":\"" USER "\",\"role\":\"authenticated\",\"exp\":1800000100}",
        "[]", "null", "", "{", GOOD GOOD,
    };
    for (size_t at = 0; at < sizeof claims / sizeof claims [0]; at++)
        ck_assert_msg (s_verify (CF_AUTH_API, s_token (HEAD, claims [at], SECRET)) == CF_ERROR_UNAUTHENTICATED, "%s", claims [at]);
    cf_auth_destroy (&s_auth);
}
END_TEST

/*  What was right once is not looked at again, but for the time; what differs in one character is another token. */
START_TEST (remembers_what_was_right)
{
    static const struct { uint64_t now_s; int rc; } times [] = {
        { NOW, 0 }, { NOW, 0 }, { NOW + 109, 0 }, { NOW + 110, -1 }, { NOW - 50, 0 }, { NOW - 61, -1 }, { NOW, 0 }
    };
    char token [2048];
    cf_auth_claims_t claims;
    cf_error_t error;
    strcpy (token, s_token (HEAD, CLAIMS (USER, "\"authenticated\"", ",\"exp\":1800000100,\"nbf\":1799999950,\"iat\":1799999900"), SECRET));
    ck_assert_int_eq (s_verify (CF_AUTH_API, token), CF_OK);
    for (size_t at = 0; at < sizeof times / sizeof times [0]; at++) {
        ck_assert_int_eq (cf_auth_verify (s_auth, CF_AUTH_API, token, strlen (token), times [at].now_s, &claims, &error), times [at].rc);
        ck_assert_str_eq (claims.user, times [at].rc? "": USER);
    }
    ck_assert_int_eq (s_verify (CF_AUTH_STREAM, token), CF_ERROR_UNAUTHENTICATED);
    for (size_t at = 0, size = strlen (token); at < size; at += 7) {
        char kept = token [at];
        token [at] = kept == 'A'? 'B': 'A';
        ck_assert_msg (s_verify (CF_AUTH_API, token) == CF_ERROR_UNAUTHENTICATED, "%zu %s", at, token);
        token [at] = kept;
    }
    ck_assert_int_eq (s_verify (CF_AUTH_API, token), CF_OK);
}
END_TEST

START_TEST (tells_a_wrong_role_from_a_wrong_token)
{
    static const char *const roles [] = { "\"anon\"", "\"service_role\"", "null", "[\"authenticated\"]", "\"authenticated \"" };
    char claims [512];
    for (size_t at = 0; at < sizeof roles / sizeof roles [0]; at++) {
        snprintf (claims, sizeof claims, "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"exp\":1800000100,\"role\":%s}", roles [at]);
        ck_assert_msg (s_verify (CF_AUTH_API, s_token (HEAD, claims, SECRET)) == CF_ERROR_FORBIDDEN, "%s", claims);
        ck_assert_int_eq (s_verify (CF_AUTH_API, s_token (HEAD, claims, "another")), CF_ERROR_UNAUTHENTICATED);
    }
    ck_assert_int_eq (s_verify (CF_AUTH_API, s_token (HEAD, "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"exp\":1800000100}", SECRET)),
                      CF_ERROR_FORBIDDEN);
    cf_auth_destroy (&s_auth);
}
END_TEST

START_TEST (refuses_wrong_signatures_and_shapes)
{
    char token [32768];
    ck_assert_int_eq (s_verify (CF_AUTH_API, s_token (HEAD, GOOD, "another secret")), CF_ERROR_UNAUTHENTICATED);
    ck_assert_int_eq (s_verify (CF_AUTH_API, s_token (HEAD, GOOD, "")), CF_ERROR_UNAUTHENTICATED);
    static const char *const shapes [] = { "", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "....." };
    for (size_t at = 0; at < sizeof shapes / sizeof shapes [0]; at++)
        ck_assert_int_eq (s_verify (CF_AUTH_API, shapes [at]), CF_ERROR_UNAUTHENTICATED);
    const char *good = s_token (HEAD, GOOD, SECRET);
    size_t size = strlen (good);
    /* no byte may be changed, not even the bits of the last digit that base64 does not use */
    for (size_t at = 0; at < size; at++) {
        memcpy (token, good, size + 1);
        token [at] = token [at] == 'A'? 'B': 'A';
        ck_assert_msg (s_verify (CF_AUTH_API, token) == CF_ERROR_UNAUTHENTICATED, "byte %zu", at);
    }
    snprintf (token, sizeof token, "%s=", good);
    ck_assert_int_eq (s_verify (CF_AUTH_API, token), CF_ERROR_UNAUTHENTICATED);
    snprintf (token, sizeof token, "%.*s", (int) size - 1, good);
    ck_assert_int_eq (s_verify (CF_AUTH_API, token), CF_ERROR_UNAUTHENTICATED);
    snprintf (token, sizeof token, "%.*s.", (int) (strrchr (good, '.') - good), good);
    ck_assert_int_eq (s_verify (CF_AUTH_API, token), CF_ERROR_UNAUTHENTICATED);
    snprintf (token, sizeof token, "%s ", good);
    ck_assert_int_eq (s_verify (CF_AUTH_API, token), CF_ERROR_UNAUTHENTICATED);
    cf_auth_destroy (&s_auth);
}
END_TEST

START_TEST (refuses_what_is_too_long)
{
    static char claims [9000];
    size_t fill = 5800;
    int size = snprintf (claims, sizeof claims, "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":1800000100,"
                         "\"x\":\"%0*d\"}", (int) fill, 0);
    ck_assert_int_gt (size, 0);
    ck_assert_uint_lt (strlen (s_token (HEAD, claims, SECRET)), CF_AUTH_TOKEN_MAX);
    ck_assert_int_eq (s_verify (CF_AUTH_API, s_token (HEAD, claims, SECRET)), CF_OK);
    snprintf (claims, sizeof claims, "{\"sub\":\"" USER "\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":1800000100,"
              "\"x\":\"%0*d\"}", 6200, 0);
    ck_assert_uint_gt (strlen (s_token (HEAD, claims, SECRET)), CF_AUTH_TOKEN_MAX);
    ck_assert_int_eq (s_verify (CF_AUTH_API, s_token (HEAD, claims, SECRET)), CF_ERROR_UNAUTHENTICATED);
    cf_auth_destroy (&s_auth);
}
END_TEST

START_TEST (keeps_the_two_kinds_apart)
{
    cf_error_t error = { 0 };
    cf_auth_claims_t claims;
    cf_buf_t token;
    cf_buf_init (&token, 2000);
    s_auth = cf_auth_new (SECRET, SECRET, NULL, &error);
    ck_assert_int_eq (cf_auth_sign_stream (s_auth, USER, JOB, NOW, 100, &token), 0);
    ck_assert_int_eq (cf_auth_verify (s_auth, CF_AUTH_STREAM, token.bytes, token.size, NOW, &claims, &error), 0);
    ck_assert_str_eq (claims.user, USER);
    ck_assert_str_eq (claims.job, JOB);
    ck_assert_int_eq (s_verify (CF_AUTH_API, token.bytes), CF_ERROR_UNAUTHENTICATED);
    ck_assert_int_eq (cf_auth_verify (s_auth, CF_AUTH_STREAM, token.bytes, token.size, NOW + 110, &claims, &error), -1);
    ck_assert_int_eq (s_verify (CF_AUTH_STREAM, s_token (HEAD, GOOD, SECRET)), CF_ERROR_UNAUTHENTICATED);
    /* the API's secret cannot make a stream token */
    ck_assert_int_eq (s_verify (CF_AUTH_STREAM, s_token (HEAD, CLAIMS (USER, "\"stream\"", ",\"exp\":1800000100,\"job\":\"" JOB "\""), SECRET)),
                      CF_ERROR_UNAUTHENTICATED);
    cf_buf_free (&token);
    cf_auth_destroy (&s_auth);
}
END_TEST

START_TEST (finds_the_bearer)
{
    size_t size = 0;
    ck_assert_str_eq (cf_auth_bearer ("Bearer abc", 10, &size), "abc");
    ck_assert_uint_eq (size, 3);
    ck_assert_str_eq (cf_auth_bearer ("bEARER  abc", 11, &size), "abc");
    ck_assert_ptr_nonnull (cf_auth_bearer ("Bearer ", 7, &size));
    ck_assert_uint_eq (size, 0);
    ck_assert_ptr_null (cf_auth_bearer ("Bearer", 6, &size));
    ck_assert_ptr_null (cf_auth_bearer ("Basic abcdef", 12, &size));
    ck_assert_ptr_null (cf_auth_bearer ("Bearerabc", 9, &size));
}
END_TEST

UNIT_MAIN ("auth", takes_what_is_right, refuses_wrong_heads, refuses_wrong_claims, remembers_what_was_right, tells_a_wrong_role_from_a_wrong_token,
           refuses_wrong_signatures_and_shapes, refuses_what_is_too_long, keeps_the_two_kinds_apart, finds_the_bearer)
