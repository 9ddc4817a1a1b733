/* SPDX-License-Identifier: MPL-2.0 */
/*  certificate - OpenSSL's words for what is wrong, with the setting's and the file's name before them */

#include "actors/lib/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*  Why OpenSSL refused; other where it does not say. */
static const char *
s_reason (const char *other)
{
    unsigned long code = ERR_peek_last_error ();
    const char *reason = code? ERR_reason_error_string (code): NULL;
    ERR_clear_error ();
    return reason? reason: other;
}

/*  The opened file, or NULL with error. */
static BIO *
s_open (const char *setting, const char *path, cf_error_t *error)
{
    ERR_clear_error ();
    errno = 0;
    BIO *file = BIO_new_file (path, "re");
    if (!file) {
        cf_error_set (error, CF_ERROR_INVALID, "%s=%.300s cannot be read: %s", setting, path, errno? strerror (errno): s_reason ("out of memory"));
        ERR_clear_error ();
    }
    return file;
}

/*  Whether a passphrase would be needed: nobody is there to type it. */
static int
s_on_passphrase (char *text, int size, int writing, void *asked)
{
    (void) text;
    (void) size;
    (void) writing;
    *(int *) asked = 1;
    return -1;
}

static EVP_PKEY *
s_read_key (const char *path, cf_error_t *error)
{
    int asked = 0;
    BIO *file = s_open ("TLS_KEY", path, error);
    EVP_PKEY *key = file? PEM_read_bio_PrivateKey (file, NULL, s_on_passphrase, &asked): NULL;
    if (file && !key)
        cf_error_set (error, CF_ERROR_INVALID, "TLS_KEY=%.300s %s", path, asked? "has a passphrase: it must be a key without one"
                      : "holds no private key in PEM form");
    ERR_clear_error ();
    BIO_free (file);
    return key;
}

static X509 *
s_read_certificate (const char *path, cf_error_t *error)
{
    BIO *file = s_open ("TLS_CERT", path, error);
    X509 *certificate = file? PEM_read_bio_X509_AUX (file, NULL, NULL, NULL): NULL;
    if (file && !certificate)
        cf_error_set (error, CF_ERROR_INVALID, "TLS_CERT=%.300s holds no certificate in PEM form", path);
    ERR_clear_error ();
    BIO_free (file);
    return certificate;
}

int
cf_certificate_use (SSL_CTX *context, const char *cert, const char *key, cf_error_t *error)
{
    X509 *certificate = s_read_certificate (cert, error);
    EVP_PKEY *secret = certificate? s_read_key (key, error): NULL;
    int rc = secret? 0: -1;
    if (rc == 0 && X509_check_private_key (certificate, secret) != 1)
        rc = cf_error_set (error, CF_ERROR_INVALID, "TLS_KEY=%.200s is not the key of the certificate in TLS_CERT=%.200s", key, cert);
    else if (rc == 0 && SSL_CTX_use_certificate_chain_file (context, cert) != 1)
        rc = cf_error_set (error, CF_ERROR_INVALID, "TLS_CERT=%.300s cannot be used: %s", cert, s_reason ("no reason is given"));
    else if (rc == 0 && SSL_CTX_use_PrivateKey (context, secret) != 1)
        rc = cf_error_set (error, CF_ERROR_INVALID, "TLS_KEY=%.300s cannot be used: %s", key, s_reason ("no reason is given"));
    ERR_clear_error ();
    EVP_PKEY_free (secret);
    X509_free (certificate);
    return rc;
}

int
cf_certificate_check (const char *cert, const char *key, cf_error_t *error)
{
    SSL_CTX *context = SSL_CTX_new (TLS_server_method ());
    int rc = context? cf_certificate_use (context, cert, key, error): cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    SSL_CTX_free (context);
    return rc;
}

/* ---- what it says ---- */

/*  A name under which clients may meet it; of one for all names of a domain, any of them. */
static void
s_take_name (cf_certificate_t *self, const unsigned char *text, int length)
{
    if (length > 0 && length < CF_CERTIFICATE_NAME_SIZE - 16 && !memchr (text, 0, (size_t) length))
        snprintf (self->name, sizeof self->name, "%s%.*s", *text == '*'? "codeforge": "", length - (*text == '*'), (const char *) text + (*text == '*'));
}

static void
s_take_alternative (cf_certificate_t *self, const GENERAL_NAME *name)
{
    if (name->type == GEN_DNS)
        s_take_name (self, ASN1_STRING_get0_data (name->d.dNSName), ASN1_STRING_length (name->d.dNSName));
    else if (name->type == GEN_IPADD && ASN1_STRING_length (name->d.iPAddress) == 4)
        inet_ntop (AF_INET, ASN1_STRING_get0_data (name->d.iPAddress), self->name, sizeof self->name);
}

/*  The first alternative name, else the common name: in the order in which clients look (RFC 9525 knows the first alone). */
static void
s_read_name (cf_certificate_t *self, const X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i (certificate, NID_subject_alt_name, NULL, NULL);
    for (int at = 0; at < sk_GENERAL_NAME_num (names) && !*self->name; at++)
        s_take_alternative (self, sk_GENERAL_NAME_value (names, at));
    GENERAL_NAMES_free (names);
    const X509_NAME *subject = X509_get_subject_name (certificate);
    int at = *self->name? -1: X509_NAME_get_index_by_NID (subject, NID_commonName, -1);
    const ASN1_STRING *common = at < 0? NULL: X509_NAME_ENTRY_get_data (X509_NAME_get_entry (subject, at));
    if (common)
        s_take_name (self, ASN1_STRING_get0_data (common), ASN1_STRING_length (common));
}

int
cf_certificate_read (const char *cert, cf_certificate_t *certificate, cf_error_t *error)
{
    *certificate = (cf_certificate_t) { .name = "" };
    X509 *found = s_read_certificate (cert, error);
    if (!found)
        return -1;
    struct tm expires;
    s_read_name (certificate, found);
    if (ASN1_TIME_to_tm (X509_get0_notAfter (found), &expires) == 1)
        certificate->expires_s = timegm (&expires);
    X509_free (found);
    ERR_clear_error ();
    return 0;
}
