/* SPDX-License-Identifier: MPL-2.0 */
/*  certificate - what fits, every way in which a pair of files does not, and the name that clients are to use */

#include "actors/lib/certificate.h"
#include "tests/support/unit.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char s_folder [] = "/tmp/cf-certificate-XXXXXX";
static EVP_PKEY *s_ec, *s_rsa;

static const char *
s_path (const char *name)
{
    static char paths [64] [256];
    static unsigned turn;
    char *path = paths [turn++ % 64];
    snprintf (path, sizeof paths [0], "%s/%s", s_folder, name);
    return path;
}

static const char *
s_write_key (const char *name, EVP_PKEY *key, const char *passphrase)
{
    FILE *file = fopen (s_path (name), "w");
    ck_assert_ptr_nonnull (file);
    const EVP_CIPHER *cipher = passphrase? EVP_aes_256_cbc (): NULL;
    ck_assert_int_eq (PEM_write_PKCS8PrivateKey (file, key, cipher, passphrase, passphrase? (int) strlen (passphrase): 0, NULL, NULL), 1);
    fclose (file);
    return s_path (name);
}

static const char *
s_write_text (const char *name, const char *text)
{
    FILE *file = fopen (s_path (name), "w");
    ck_assert_ptr_nonnull (file);
    fputs (text, file);
    fclose (file);
    return s_path (name);
}

/*  A certificate that key signs itself; names as in openssl.cnf's subjectAltName, NULL: none. */
static const char *
s_write_certificate (const char *name, EVP_PKEY *key, const char *common, const char *names, long seconds)
{
    X509 *certificate = X509_new ();
    X509_NAME *subject = X509_get_subject_name (certificate);
    X509_set_version (certificate, 2);
    ASN1_INTEGER_set (X509_get_serialNumber (certificate), 1);
    X509_gmtime_adj (X509_getm_notBefore (certificate), -60);
    X509_gmtime_adj (X509_getm_notAfter (certificate), seconds);
    X509_set_pubkey (certificate, key);
    if (common)
        X509_NAME_add_entry_by_txt (subject, "CN", MBSTRING_UTF8, (const unsigned char *) common, -1, -1, 0);
    X509_set_issuer_name (certificate, subject);
    X509_EXTENSION *extension = names? X509V3_EXT_conf_nid (NULL, NULL, NID_subject_alt_name, names): NULL;
    if (extension)
        X509_add_ext (certificate, extension, -1);
    X509_EXTENSION_free (extension);
    ck_assert_int_gt (X509_sign (certificate, key, EVP_sha256 ()), 0);
    FILE *file = fopen (s_path (name), "w");
    ck_assert_int_eq (PEM_write_X509 (file, certificate), 1);
    fclose (file);
    X509_free (certificate);
    return s_path (name);
}

static void
s_expect (const char *cert, const char *key, const char *reason)
{
    cf_error_t error = { 0 };
    int rc = cf_certificate_check (cert, key, &error);
    ck_assert_msg (rc == (reason? -1: 0), "%s %s: %s", cert, key, error.text);
    if (reason) {
        ck_assert_int_eq (error.code, CF_ERROR_INVALID);
        ck_assert_msg (strstr (error.text, reason) != NULL, "\"%s\" does not say \"%s\"", error.text, reason);
    }
}

START_TEST (takes_what_belongs_together)
{
    s_expect (s_write_certificate ("ec.crt", s_ec, "a", NULL, 60), s_write_key ("ec.key", s_ec, NULL), NULL);
    s_expect (s_write_certificate ("rsa.crt", s_rsa, "a", NULL, 60), s_write_key ("rsa.key", s_rsa, NULL), NULL);
}
END_TEST

START_TEST (says_what_is_wrong_with_which_file)
{
    const char *cert = s_write_certificate ("ec.crt", s_ec, "a", NULL, 60), *key = s_write_key ("ec.key", s_ec, NULL);
    EVP_PKEY *other = EVP_EC_gen ("P-256"), *weak = EVP_RSA_gen (512);
    s_expect (s_path ("none.crt"), key, "none.crt cannot be read: No such file or directory");
    s_expect (cert, s_path ("none.key"), "none.key cannot be read: No such file or directory");
    s_expect (cert, s_folder, "TLS_KEY=");
    s_expect (s_write_text ("empty", ""), key, "TLS_CERT=");
    s_expect (key, key, "holds no certificate in PEM form");
    s_expect (cert, cert, "holds no private key in PEM form");
    s_expect (cert, s_write_text ("cut.key", "-----BEGIN PRIVATE KEY-----\nMIGH"), "holds no private key in PEM form");
    s_expect (cert, s_write_key ("other.key", other, NULL), "is not the key of the certificate in TLS_CERT=");
    s_expect (cert, s_write_key ("rsa.key", s_rsa, NULL), "is not the key of the certificate in TLS_CERT=");
    s_expect (cert, s_write_key ("locked.key", s_ec, "open sesame"), "has a passphrase");
    s_expect (s_write_certificate ("weak.crt", weak, "a", NULL, 60), s_write_key ("weak.key", weak, NULL), "too small");
    EVP_PKEY_free (other);
    EVP_PKEY_free (weak);
}
END_TEST

START_TEST (knows_a_name_for_clients)
{
    static const struct { const char *common, *names, *name; } cases [] = {
        { "common.example", NULL, "common.example" }, { "common.example", "DNS:api.example,DNS:b.example", "api.example" },
        { "common.example", "DNS:*.example", "codeforge.example" }, { "common.example", "IP:127.0.0.1,DNS:api.example", "127.0.0.1" },
        { "common.example", "email:a@b.example,DNS:api.example", "api.example" }, { "common.example", "IP:::1", "common.example" },
        { "*.common.example", NULL, "codeforge.common.example" }, { NULL, NULL, "" }
    };
    cf_error_t error = { 0 };
    cf_certificate_t certificate;
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        const char *path = s_write_certificate ("named.crt", s_ec, cases [at].common, cases [at].names, 3600);
        ck_assert_int_eq (cf_certificate_read (path, &certificate, &error), 0);
        ck_assert_str_eq (certificate.name, cases [at].name);
        ck_assert_int_le (llabs (certificate.expires_s - (int64_t) time (NULL) - 3600), 60);
    }
    ck_assert_int_eq (cf_certificate_read (s_path ("none"), &certificate, &error), -1);
    s_write_certificate ("old.crt", s_ec, "a", NULL, -30);
    ck_assert_int_eq (cf_certificate_read (s_path ("old.crt"), &certificate, &error), 0);
    ck_assert_int_lt (certificate.expires_s, (int64_t) time (NULL));
}
END_TEST

int
main (void)
{
    if (!mkdtemp (s_folder))
        return EXIT_FAILURE;
    s_ec = EVP_EC_gen ("P-256");
    s_rsa = EVP_RSA_gen (2048);
    const TTest *tests [] = { takes_what_belongs_together, says_what_is_wrong_with_which_file, knows_a_name_for_clients };
    Suite *suite = suite_create ("certificate");
    TCase *all = tcase_create ("certificate");
    tcase_set_timeout (all, 60);
    for (size_t at = 0; at < sizeof tests / sizeof tests [0]; at++)
        tcase_add_test (all, tests [at]);
    suite_add_tcase (suite, all);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_NORMAL);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    EVP_PKEY_free (s_ec);
    EVP_PKEY_free (s_rsa);
    static const char *const files [] = { "ec.crt", "ec.key", "rsa.crt", "rsa.key", "empty", "cut.key", "other.key", "locked.key", "weak.crt",
                                          "weak.key", "named.crt", "old.crt" };
    for (size_t at = 0; at < sizeof files / sizeof files [0]; at++)
        unlink (s_path (files [at]));
    rmdir (s_folder);
    return failed? EXIT_FAILURE: EXIT_SUCCESS;
}
