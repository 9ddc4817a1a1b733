/* SPDX-License-Identifier: MPL-2.0 */
/*  token - signatures that others verify, secrets that are kept to their owner */

#include "ops/supervisor/home.h"
#include "ops/supervisor/token.h"
#include "proto/base/config.h"
#include "proto/base/json.h"
#include "tests/support/unit.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char s_home [] = "/tmp/cf-token-XXXXXX";

static void
s_enter_home (void)
{
    char command [128];
    strcpy (s_home + strlen (s_home) - 6, "XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_home));
    snprintf (command, sizeof command, "%s/secrets", s_home);
    mkdir (command, 0700);
    ck_assert_int_eq (cf_config_set (CF_CONFIG_CODEFORGE_HOME, s_home), 0);
}

static void
s_leave_home (void)
{
    char command [128];
    snprintf (command, sizeof command, "rm -r %s", s_home);
    ck_assert_int_eq (system (command), 0);
}

/*  A part of a token, decoded; to be freed. */
static char *
s_decode (const char *part, size_t size, size_t *decoded_size)
{
    char padded [4096];
    ck_assert_uint_lt (size, sizeof padded - 4);
    memcpy (padded, part, size);
    for (size_t at = 0; at < size; at++)
        padded [at] = padded [at] == '-'? '+': padded [at] == '_'? '/': padded [at];
    size_t whole = size;
    while (whole % 4)
        padded [whole++] = '=';
    char *bytes = calloc (1, whole + 1);
    int length = EVP_DecodeBlock ((unsigned char *) bytes, (const unsigned char *) padded, (int) whole);
    ck_assert_int_ge (length, 0);
    *decoded_size = (size_t) length - (whole - size);
    bytes [*decoded_size] = 0;
    return bytes;
}

START_TEST (signs_what_others_can_verify)
{
    cf_buf_t token;
    cf_buf_init (&token, 4096);
    cf_token_claims_t claims = {
        .user = "0192f5a0-0000-7000-8000-000000000001", .email = "a@b.c", .role = "authenticated", .issued_s = 1700000000, .ttl_s = 60
    };
    ck_assert_int_eq (cf_token_sign (&claims, "a secret of some length", &token, NULL), 0);
    char *second = strchr (token.bytes, '.'), *third = strrchr (token.bytes, '.');
    ck_assert (second && third > second && !strchr (token.bytes, '='));
    size_t size;
    char *head = s_decode (token.bytes, (size_t) (second - token.bytes), &size);
    ck_assert_str_eq (head, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    char *payload = s_decode (second + 1, (size_t) (third - second - 1), &size);
    cf_json_t *shown = cf_json_parse (payload, size, NULL);
    ck_assert_str_eq (cf_json_str (shown, "sub", ""), claims.user);
    ck_assert_str_eq (cf_json_str (shown, "aud", ""), "authenticated");
    ck_assert_str_eq (cf_json_str (shown, "role", ""), "authenticated");
    ck_assert_str_eq (cf_json_str (shown, "iss", ""), "codeforge");
    ck_assert_str_eq (cf_json_str (shown, "email", ""), "a@b.c");
    ck_assert_int_eq (cf_json_int (shown, "iat", 0), 1700000000);
    ck_assert_int_eq (cf_json_int (shown, "exp", 0), 1700000060);
    char *signature = s_decode (third + 1, strlen (third + 1), &size);
    unsigned char expected [32];
    unsigned expected_size;
    HMAC (EVP_sha256 (), "a secret of some length", 23, (unsigned char *) token.bytes, (size_t) (third - token.bytes), expected, &expected_size);
    ck_assert_uint_eq (size, 32);
    ck_assert_mem_eq (signature, expected, 32);
    json_decref (shown);
    free (head);
    free (payload);
    free (signature);
    cf_buf_free (&token);
}
END_TEST

START_TEST (refuses_claims_that_are_no_text)
{
    cf_buf_t token;
    cf_buf_init (&token, 4096);
    cf_token_claims_t claims = { .user = "\xFF", .role = "authenticated" };
    ck_assert_int_eq (cf_token_sign (&claims, "secret", &token, NULL), -1);
    cf_buf_free (&token);
}
END_TEST

START_TEST (makes_a_secret_once_and_keeps_it_closed)
{
    char first [CF_TOKEN_SECRET_SIZE], again [CF_TOKEN_SECRET_SIZE], path [128];
    struct stat found;
    cf_error_t error = { 0 };
    s_enter_home ();
    ck_assert_int_eq (cf_token_secret (first, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_NOT_FOUND);
    ck_assert_int_eq (cf_token_ensure_secret (&error), 0);
    ck_assert_uint_eq (strlen (cf_config_str (CF_CONFIG_SUPABASE_JWT_SECRET)), 64);
    snprintf (first, sizeof first, "%s", cf_config_str (CF_CONFIG_SUPABASE_JWT_SECRET));
    snprintf (path, sizeof path, "%s/secrets/jwt", s_home);
    ck_assert_int_eq (stat (path, &found), 0);
    ck_assert_int_eq (found.st_mode & 0777, 0600);
    cf_config_set (CF_CONFIG_SUPABASE_JWT_SECRET, "");
    ck_assert_int_eq (cf_token_ensure_secret (&error), 0);
    ck_assert_int_eq (cf_token_secret (again, &error), 0);
    ck_assert_str_eq (first, again);
    s_leave_home ();
}
END_TEST

START_TEST (prefers_the_secret_that_is_set)
{
    char secret [CF_TOKEN_SECRET_SIZE];
    s_enter_home ();
    cf_config_set (CF_CONFIG_SUPABASE_JWT_SECRET, "one that somebody set");
    ck_assert_int_eq (cf_token_ensure_secret (NULL), 0);
    ck_assert_int_eq (cf_token_secret (secret, NULL), 0);
    ck_assert_str_eq (secret, "one that somebody set");
    s_leave_home ();
}
END_TEST

START_TEST (keeps_one_development_user)
{
    char first [CF_UUID_SIZE], again [CF_UUID_SIZE];
    s_enter_home ();
    ck_assert_int_eq (cf_token_user (first, NULL), 0);
    ck_assert (cf_uuid_valid (first));
    ck_assert_int_eq (cf_token_user (again, NULL), 0);
    ck_assert_str_eq (first, again);
    s_leave_home ();
}
END_TEST

UNIT_MAIN ("token", signs_what_others_can_verify, refuses_claims_that_are_no_text, makes_a_secret_once_and_keeps_it_closed,
           prefers_the_secret_that_is_set, keeps_one_development_user)
