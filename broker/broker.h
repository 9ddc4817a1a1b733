/* SPDX-License-Identifier: MPL-2.0 */
/*  broker - routes messages between all others; knows envelopes, never bodies
 *
 *  Owns:       who is there (registry), which calls are open (calls, queue), who hears of what (events), copies for
 *              the sniffer (capture). All of it in memory: after a restart its peers tell it again.
 *  Answers:    every kind of the grammar in proto/envelope.h, each in one function of broker.c.
 *  Asks:       nobody.
 *  Stops:      when told to, at once; whatever is open is sent again to the next broker by those who wait for it.
 *  If it dies: everybody reconnects, says HELLO and sends its open calls again.
 */
#ifndef CF_BROKER_BROKER_H
#define CF_BROKER_BROKER_H

#include "proto/envelope.h"

typedef struct cf_broker cf_broker_t;

typedef struct {
    const char *endpoint;               /* of the ROUTER socket */
    const char *capture_endpoint;       /* of the copies */
    const char *capture_without_body;   /* ids of messages, "40,41", or "" */
    uint32_t beat_ms;                   /* a peer that is silent for three of them is gone */
    uint64_t queue_max;                 /* calls that wait for one service */
    uint64_t grace_ms;                  /* how long calls wait for a service without a live process */
    uint32_t metrics_ms;                /* between events on state.metrics.broker */
    int hwm;                            /* messages that one peer's pipe holds, each way */
} cf_broker_options_t;

/*  Binds both sockets. NULL with error: INVALID where the options are at fault, else INTERNAL. */
cf_broker_t *cf_broker_new (const cf_broker_options_t *options, cf_error_t *error);
/*  Works until stop_fd is readable (0), or the sockets fail (-1). */
int cf_broker_run (cf_broker_t *self, int stop_fd);
void cf_broker_destroy (cf_broker_t **self_p);

#endif
