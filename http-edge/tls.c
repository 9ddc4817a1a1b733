/* SPDX-License-Identifier: MPL-2.0 */
/*  tls - one context for all connections */

#include "http-edge/tls.h"
#include "actors/lib/certificate.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define CF_TLS_TICKET_MS (6u * 3600u * 1000u)   /* life of a ticket's key */
#define CF_TLS_SESSION_S 7200           /* life of a ticket */
#define CF_TLS_TICKET_KEYS 80           /* bytes: name, HMAC key, AES key (SSL_CTX_set_tlsext_ticket_keys) */

/*  Those of TLS 1.2 that have forward secrecy and authenticate what they encrypt (RFC 9325, section 4.2); TLS 1.3 has no others. */
#define CF_TLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

struct cf_tls_t {
    SSL_CTX *context;
    cf_loop_t *loop;
    cf_timer_t rotation;
};

static int
s_on_alpn (SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size, const unsigned char *offered, unsigned offered_size, void *arg)
{
    static const unsigned char ours [] = "\x08http/1.1";
    unsigned char *found;
    (void) ssl;
    (void) arg;
    if (SSL_select_next_proto (&found, chosen_size, ours, sizeof ours - 1, offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;      /* no_application_protocol (RFC 7301, section 3.2) */
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static void
s_rotate (void *arg)
{
    cf_tls_t *self = arg;
    unsigned char keys [CF_TLS_TICKET_KEYS];
    if (RAND_bytes (keys, sizeof keys) != 1 || SSL_CTX_set_tlsext_ticket_keys (self->context, keys, sizeof keys) != 1)
        SSL_CTX_set_options (self->context, SSL_OP_NO_TICKET);
    OPENSSL_cleanse (keys, sizeof keys);
    cf_timer_set (self->loop, &self->rotation, CF_TLS_TICKET_MS, s_rotate, self);
}

static int
s_configure (SSL_CTX *context, cf_error_t *error)
{
    SSL_CTX_set_options (context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode (context, SSL_MODE_RELEASE_BUFFERS);       /* 34 KB less for each stream that is idle */
    SSL_CTX_set_session_cache_mode (context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout (context, CF_TLS_SESSION_S);
    SSL_CTX_set_num_tickets (context, 1);
    SSL_CTX_set_alpn_select_cb (context, s_on_alpn, NULL);
    if (SSL_CTX_set_min_proto_version (context, TLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list (context, CF_TLS_CIPHERS) != 1)
        return cf_error_set (error, CF_ERROR_INTERNAL, "this OpenSSL cannot speak TLS 1.2");
    return 0;
}

cf_tls_t *
cf_tls_new (cf_loop_t *loop, const char *cert, const char *key, cf_error_t *error)
{
    cf_tls_t *self = calloc (1, sizeof *self);
    cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    if (self)
        self->context = SSL_CTX_new (TLS_server_method ());
    if (!self || !self->context || s_configure (self->context, error) || cf_certificate_use (self->context, cert, key, error)) {
        cf_tls_destroy (&self);
        return NULL;
    }
    self->loop = loop;
    s_rotate (self);
    return self;
}

void
cf_tls_destroy (cf_tls_t **self_p)
{
    cf_tls_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    if (self->loop)
        cf_timer_clear (self->loop, &self->rotation);
    SSL_CTX_free (self->context);
    free (self);
}

SSL_CTX *
cf_tls_context (const cf_tls_t *self)
{
    return self->context;
}
