/* SPDX-License-Identifier: MPL-2.0 */
/*  certificate - the certificate and key of the HTTP API (TLS_CERT, TLS_KEY): loaded, checked, and what clients of ours need of it
 *
 *  Whoever is told what is wrong reads the setting's name, the file's, and the reason. Contents of the key are never shown.
 */
#ifndef CF_LIB_CERTIFICATE_H
#define CF_LIB_CERTIFICATE_H

#include "proto/base/error.h"

#include <stddef.h>
#include <stdint.h>

#define CF_CERTIFICATE_NAME_SIZE 256

struct ssl_ctx_st;                      /* OpenSSL's SSL_CTX */

typedef struct {
    char name [CF_CERTIFICATE_NAME_SIZE];       /* a host name or address that it is good for */
    int64_t expires_s;                  /* wall clock */
} cf_certificate_t;

/*  Gives context the chain in the PEM file cert, the server's own first, and the key of the PEM file key, which has no passphrase. 0, or -1
    with error where one of them cannot be read, is no such thing, is too weak, or the two do not belong together. */
int cf_certificate_use (struct ssl_ctx_st *context, const char *cert, const char *key, cf_error_t *error);
/*  The same without a context of one's own, to find out. */
int cf_certificate_check (const char *cert, const char *key, cf_error_t *error);
/*  What the first certificate of cert says. 0, or -1 with error. */
int cf_certificate_read (const char *cert, cf_certificate_t *certificate, cf_error_t *error);

#endif
