/* SPDX-License-Identifier: MPL-2.0 */
/*  peer - one process on the bus, and one service that calls can be addressed to, as all classes of the broker see them
 *
 *  The registry owns both. Each class keeps its own part in the peer, so that whatever hangs on a process is
 *  found, and ended, without a search when the process dies.
 */
#ifndef CF_BROKER_PEER_H
#define CF_BROKER_PEER_H

#include "broker/hash.h"
#include "broker/queue.h"
#include "broker/timers.h"
#include "proto/envelope.h"

#define CF_PEER_NAME_SIZE 97            /* shorter than an envelope's, so that a topic made of a name fits one */

typedef struct cf_peer cf_peer_t;
typedef struct cf_service cf_service_t;
typedef struct cf_call cf_call_t;
typedef struct cf_letter cf_letter_t;
typedef struct cf_subscription cf_subscription_t;

typedef enum {
    CF_PEER_GONE,               /* dead; kept while a callee still has to answer a call it made */
    CF_PEER_STRANGER,           /* connected, has not said HELLO */
    CF_PEER_JOINED,             /* said HELLO: may call, publish, subscribe */
    CF_PEER_READY,              /* takes calls */
    CF_PEER_LEAVING             /* said BYE: finishes what it has */
} cf_peer_state_t;

struct cf_peer {
    /* registry */
    char name [CF_PEER_NAME_SIZE];      /* service.instance.pid */
    size_t name_size;                   /* without the NUL */
    cf_peer_state_t state;
    bool doomed;                        /* found dead; buried at the end of the turn */
    cf_service_t *service;              /* NULL: not joined */
    uint32_t credit;                    /* calls it takes at once */
    uint64_t heard_ms;                  /* last sign of life */
    uint64_t welcomed_ms;               /* last WELCOME */
    cf_timer_t silence;
    cf_peer_t *prev, *next;             /* in its service */
    cf_peer_t *doomed_prev, *doomed_next;
    UT_hash_handle hh;
    /* calls */
    cf_call_t *made;                    /* calls it waits for */
    cf_call_t *taken;                   /* calls it works on */
    uint32_t in_flight;                 /* length of taken */
    /* events */
    cf_subscription_t *subscriptions;
    uint32_t subscription_count;
    uint64_t event;                     /* serial number of the last event it got */
    /* port */
    cf_letter_t *pending;               /* what its pipe had no room for */
    size_t pending_count;
    bool full;                          /* no room in its pipe when last tried */
    cf_peer_t *full_prev, *full_next;
};

struct cf_service {
    char name [CF_PEER_NAME_SIZE];      /* a service, or a peer's name where calls wait for that very peer */
    bool direct;                        /* the latter */
    cf_peer_t *peers;                   /* that said HELLO for it */
    unsigned ready;                     /* how many of them are CF_PEER_READY */
    cf_queue_t queue;
    UT_hash_handle hh;
};

#endif
