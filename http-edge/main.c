/* SPDX-License-Identifier: MPL-2.0 */
/*  edge - the world speaks HTTP, the actors speak messages
 *
 *  Owns:       the port of the HTTP API, shared with the other edges; the open streams. Nothing that would be missed.
 *  Answers:    every route of routes.def; no message.
 *  Asks:       jobs, store. Hears: job.*, tokens.*, state.*.
 *  Stops:      on TERM: takes no more connections, ends streams (clients come back elsewhere with Last-Event-ID), lets
 *              requests end, within 5 s.
 *  If it dies: its clients connect to another edge and miss nothing; what it had asked is cancelled or, where it was
 *              committed, done.
 */

#include "actors/lib/actor.h"
#include "http-edge/acquaint.h"
#include "http-edge/access.h"
#include "http-edge/address.h"
#include "http-edge/auth.h"
#include "http-edge/body.h"
#include "http-edge/chain.h"
#include "http-edge/cors.h"
#include "http-edge/handlers/streams.h"
#include "http-edge/peers.h"
#include "http-edge/seed.h"
#include "http-edge/server.h"
#include "http-edge/stream.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

typedef struct {
    cf_loop_t *loop;
    cf_link_t *link;
    cf_auth_t *auth;
    cf_jwks_t *jwks;                    /* or NULL */
    cf_limiter_t *limiter;
    unsigned signs;                     /* of being ready, so far: two */
    cf_server_t *server;
    int signals;
    char process [64];
} self_t;

static void
s_on_signal (void *arg, uint32_t events)
{
    (void) events;
    self_t *self = arg;
    struct signalfd_siginfo got;
    if (read (self->signals, &got, sizeof got) == sizeof got)
        cf_server_stop (self->server);
    if (self->jwks)
        cf_jwks_stop (self->jwks);
}

static int
s_watch_signals (self_t *self)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    sigprocmask (SIG_BLOCK, &set, NULL);
    signal (SIGPIPE, SIG_IGN);
    self->signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return self->signals < 0? -1: cf_loop_watch (self->loop, self->signals, EPOLLIN, s_on_signal, self);
}

static void
s_on_lost (void *arg)
{
    (void) arg;
    cf_stream_catch_up_all ();
}

/*  Ready is who is known to the broker and knows what it says of the others. */
static void
s_on_ready (void *arg)
{
    self_t *self = arg;
    if (++self->signs < 2)
        return;
    cf_actor_notify_ready ("");
    cf_log_debug ("ready");
}

/*  JWKS_URL, or where Supabase has its keys; "": no key set. */
static void
s_jwks_url (char *url, size_t size)
{
    const char *base = cf_config_str (CF_CONFIG_SUPABASE_URL);
    size_t base_size = strlen (base);
    while (base_size && base [base_size - 1] == '/')
        base_size--;
    *url = 0;
    if (cf_config_is_set (CF_CONFIG_JWKS_URL))
        snprintf (url, size, "%s", cf_config_str (CF_CONFIG_JWKS_URL));
    else if (base_size)
        snprintf (url, size, "%.*s/auth/v1/.well-known/jwks.json", (int) base_size, base);
}

/*  Who is believed: the secret, the key set, or both. Ends the process where there is neither. */
static void
s_configure_tokens (self_t *self)
{
    char url [1100], seed [CF_SEED_SIZE];
    cf_error_t error = { 0 };
    const char *secret = cf_config_str (CF_CONFIG_SUPABASE_JWT_SECRET), *stream_secret = secret;
    s_jwks_url (url, sizeof url);
    if (!*secret && !*url) {
        cf_log_error ("neither SUPABASE_JWT_SECRET nor SUPABASE_URL nor JWKS_URL is set: nobody could be believed");
        exit (CF_CONFIG_EXIT);
    }
    if (*url && strncmp (url, "http://", 7) != 0 && strncmp (url, "https://", 8) != 0) {
        cf_log_error ("SUPABASE_URL and JWKS_URL must begin with https:// or http://");
        exit (CF_CONFIG_EXIT);
    }
    if (!*secret && !cf_seed_read (cf_config_home ("secrets/stream"), seed, &error))
        stream_secret = seed;
    if (error.code || (*url && !(self->jwks = cf_jwks_new (url))) || !(self->auth = cf_auth_new (secret, stream_secret, self->jwks, &error))) {
        cf_log_error ("cannot start: %s", error.text);
        exit (EXIT_FAILURE);
    }
}

/*  What the settings say. Ends the process where they are at fault. */
static void
s_configure (self_t *self)
{
    cf_error_t error = { 0 };
    if (cf_cors_init (cf_config_str (CF_CONFIG_ALLOWED_ORIGINS))) {
        cf_log_error ("ALLOWED_ORIGINS must be origins like https://app.example, separated by commas, without paths and stars");
        exit (CF_CONFIG_EXIT);
    }
    if (cf_address_init (cf_config_str (CF_CONFIG_TRUSTED_PROXIES))) {
        cf_log_error ("TRUSTED_PROXIES must be addresses or ranges like 10.0.0.0/8 or fd00::/8, separated by commas");
        exit (CF_CONFIG_EXIT);
    }
    s_configure_tokens (self);
    if (cf_body_load_schemas (&error)
        || !(self->limiter = cf_limiter_new (cf_config_home ("run/limits"), (uint32_t) cf_config_u64 (CF_CONFIG_RATE_LIMIT_PER_MINUTE), &error))) {
        cf_log_error ("cannot start: %s", error.text);
        exit (EXIT_FAILURE);
    }
    cf_chain_init (self->auth, self->jwks, self->limiter);
    cf_streams_init (self->auth);
}

/*  0, or -1 with error. */
static int
s_start (self_t *self, cf_error_t *error)
{
    uint16_t port;
    const cf_actor_row_t *row = cf_message_actor (CF_ACTOR_EDGE);
    cf_error_set (error, CF_ERROR_INTERNAL, "no memory or descriptors left");
    if (!(self->loop = cf_loop_new ()) || s_watch_signals (self) || !(self->server = cf_server_new (self->loop))
        || !(self->link = cf_link_new (self->loop, row->name, cf_actor_instance (), row->credit, error)))
        return -1;
    cf_access_init (self->loop, self->process);
    cf_peers_init (self->loop);
    cf_peers_on_lost (s_on_lost, NULL);
    cf_peers_on_known (s_on_ready, self);
    if (self->jwks && cf_jwks_start (self->jwks, self->loop))
        return -1;
    if (cf_config_is_set (CF_CONFIG_TLS_CERT)
        && cf_server_secure (self->server, cf_config_str (CF_CONFIG_TLS_CERT), cf_config_str (CF_CONFIG_TLS_KEY), error))
        return -1;
    if (cf_server_listen (self->server, cf_config_str (CF_CONFIG_BIND_ADDRESS), (uint16_t) cf_config_u64 (CF_CONFIG_PORT), &port, error))
        return -1;
    cf_link_ready (self->link, s_on_ready, self);
    return 0;
}

int
main (void)
{
    static self_t self;                 /* h2o's part of it ends with the process */
    cf_error_t error = { 0 };
    cf_config_load_or_exit ();
    snprintf (self.process, sizeof self.process, "edge.%u", cf_actor_instance ());
    cf_log_init (self.process);
    s_configure (&self);
    if (s_start (&self, &error)) {
        cf_log_error ("cannot start: %s", error.text);
        return EXIT_FAILURE;
    }
    cf_server_run (self.server);
    cf_link_bye (self.link);
    cf_access_flush ();
    cf_peers_free ();
    cf_acquaint_free ();
    cf_link_destroy (&self.link);
    cf_auth_destroy (&self.auth);
    cf_jwks_destroy (&self.jwks);
    cf_limiter_destroy (&self.limiter);
    cf_task_free_pool ();
    return EXIT_SUCCESS;
}
